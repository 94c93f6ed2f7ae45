import { forgetSignIns, isKnownDevice, putLink } from "../../db/queries/sign-in.ts";
import type { SystemDb } from "../../db/system-db.ts";
import { rowsOf } from "../../db/transport.ts";
import type { Instant } from "../../lib/instant.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import { hashOfCode, hashOfSecret, type KeyedHash, mintSecret, type Random, relayCode } from "./link-secrets.ts";
import type { NextPath } from "./next-path.ts";

export interface LinkDeps extends MailDeps {
  readonly system: SystemDb;
  readonly random: Random;
  readonly keyedHash: KeyedHash;
  /** How long a link lives. */
  readonly magicLinkMinutes: number;
}
export interface AskedLink {
  /** In its normal form. */
  readonly email: string;
  /** What the asking browser keeps: it alone completes the link. */
  readonly verifier: string;
  readonly next: NextPath | null;
  /** The network of whoever asks, who may ask for links to thousands of addresses: their mails wait for each other. */
  readonly network: string | null;
}

/**
 * A link to sign in, on its way by mail. Nobody's account is looked up: whoever completes it has one, or is given one, so that
 * an address that is known here and one that is not take the same steps and are answered alike. One request.
 */
export async function askForLink(deps: LinkDeps, { email, verifier, next, network }: AskedLink, now: Instant): Promise<void> {
  const token = mintSecret(deps.random);
  const minutes = deps.magicLinkMinutes;
  const link = putLink({
    email,
    verifierHash: hashOfSecret(verifier),
    tokenHash: hashOfSecret(token),
    relayHash: await hashOfCode(deps.keyedHash, verifier, await relayCode(deps.keyedHash, token)),
    nextPath: next,
    now,
    minutes,
  });
  const mail = await sealMail(deps, {
    kind: "sign_in_link",
    to: email,
    params: { url: linkUrl(deps.publicOrigin, token), minutes },
    ...(network === null ? {} : { askedBy: network }),
  });
  await deps.system.query(link, mail, ...forgetSignIns(now));
}

/** The token stands behind the #: no server, log or referrer is told it. The origin is configured, and never the request's. */
const linkUrl = (publicOrigin: string, token: string): string => `${publicOrigin}/auth/link#${token}`;

/** Whether the browser has signed in as the address before, or as anybody (null). It says nothing to a browser that has not. */
export async function isKnownBrowser(system: SystemDb, email: string | null, device: string): Promise<boolean> {
  const [answer] = await system.query(isKnownDevice(email, hashOfSecret(device)));
  return answer !== undefined && rowsOf<{ known: boolean }>(answer)[0]?.known === true;
}
