import { createHmac } from "node:crypto";
import type { Account, VendorSetup } from "./account.ts";

const hmac = (secret: string, message: string) => createHmac("sha256", secret).update(message).digest("hex");

/** Vendors stamp with the real time, whatever the account's clock says: the receiver judges it by the real clock. */
export const retellSignature = (secret: string, body: string, ms = Date.now()) => `v=${ms},d=${hmac(secret, body + ms)}`;
export const elevenlabsSignature = (secret: string, body: string, seconds = Math.floor(Date.now() / 1000)) =>
  `t=${seconds},v0=${hmac(secret, `${seconds}.${body}`)}`;
export const dncSignature = (secret: string, timestamp: string, body: string) => `v1=${hmac(secret, `${timestamp}.${body}`)}`;

export interface Delivery {
  readonly account: string;
  readonly url: string;
  readonly kind: string;
  readonly callId: string;
  readonly status: number | null;
}
export type Record = (delivery: Delivery) => void;

/** One POST; null when nothing answered within ten seconds (Retell's limit, and the simulators' for both). */
export async function post(url: string, headers: { readonly [name: string]: string }, body: string): Promise<number | null> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}

const maxRetries = 3;

/** A webhook with its vendor's rules: Retell retries three times, ElevenLabs not at all or, where switched on, on 5xx, 429 and silence. */
export async function deliver(
  account: Account,
  setup: VendorSetup,
  kind: string,
  callId: string,
  body: string,
  record: Record,
  tried = 0,
): Promise<void> {
  if (setup.webhookUrl === null || setup.webhookSecret === null) return;
  const sign = setup.vendor === "retell" ? retellSignature : elevenlabsSignature;
  const name = setup.vendor === "retell" ? "x-retell-signature" : "elevenlabs-signature";
  const status = await post(setup.webhookUrl, { [name]: sign(setup.webhookSecret, body) }, body);
  record({ account: account.id, url: setup.webhookUrl, kind, callId, status });
  const arrived = status !== null && status >= 200 && status < 300;
  const again = setup.vendor === "retell" || (setup.retryEnabled && (status === null || status === 429 || status >= 500));
  if (arrived || !again || tried >= maxRetries) return;
  // The vendors publish no spacing; seconds of the account's clock, doubling.
  account.schedule(account.now + 10 * 2 ** tried, () => deliver(account, setup, kind, callId, body, record, tried + 1));
}
