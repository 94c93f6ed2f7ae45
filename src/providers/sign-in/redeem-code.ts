import * as z from "zod";
import type { Instant } from "../../lib/instant.ts";
import { readJson } from "../read-json.ts";
import { type Fetch, type Sent, sendOnce } from "../send-once.ts";
import type { AuthorizationAnswer, AuthorizationRequest, Identified } from "./contract.ts";
import { keySet, type ProvedToken, proveIdToken } from "./id-token.ts";

/** Where a provider's three doors are. Constants of each vendor: a discovery document that is asked for could name others. */
export interface Endpoints {
  readonly authorization: string;
  readonly token: string;
  readonly keys: string;
}
export interface ClientSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly fetch: Fetch;
  /** How long a provider's answer is waited for. */
  readonly timeoutSeconds: number;
}

const tokenAnswerBytesMax = 64 * 1024;
const keySetBytesMax = 256 * 1024;

const granted = z.looseObject({
  id_token: z
    .string()
    .min(1)
    .max(16 * 1024),
});
const refusal = z.looseObject({ error: z.string() });
/** RFC 6749 §5.2: the client, not the code, is what is wrong. */
const aboutUs = new Set(["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"]);

export function authorizationUrl(endpoint: string, clientId: string, scope: string, request: AuthorizationRequest): string {
  const url = new URL(endpoint);
  const parameters = {
    client_id: clientId,
    response_type: "code",
    response_mode: "query",
    scope,
    redirect_uri: request.redirectUri,
    state: request.state,
    nonce: request.nonce,
    code_challenge: request.challenge,
    code_challenge_method: "S256",
    // Whoever is signed in there already is not taken by itself: machines are shared.
    prompt: "select_account",
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

type Redeemed = { readonly kind: "proved"; readonly token: ProvedToken } | Exclude<Identified, { readonly kind: "identified" }>;

/** Redeems the code with our secret and the flow's verifier, and proves the ID token under the keys published at this moment. */
export async function redeemCode(
  client: ClientSettings,
  endpoints: Endpoints,
  answer: AuthorizationAnswer,
  at: Instant,
): Promise<Redeemed> {
  const { clientId, clientSecret, fetch, timeoutSeconds } = client;
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: answer.code,
    redirect_uri: answer.redirectUri,
    client_id: clientId,
    client_secret: clientSecret,
    code_verifier: answer.verifier,
  });
  // At once: neither needs the other, and a person is waiting.
  const [token, keys] = await Promise.all([
    sendOnce(fetch, {
      method: "POST",
      url: endpoints.token,
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: form.toString(),
      timeoutSeconds,
      maxAnswerBytes: tokenAnswerBytesMax,
    }),
    sendOnce(fetch, {
      method: "GET",
      url: endpoints.keys,
      headers: { accept: "application/json" },
      body: null,
      timeoutSeconds,
      maxAnswerBytes: keySetBytesMax,
    }),
  ]);
  const idToken = idTokenOf(token);
  if (typeof idToken !== "string") return idToken;
  const published = isOk(keys) ? readJson(keySet, keys.body) : null;
  if (published === null) return { kind: "unavailable" };
  const proved = await proveIdToken(idToken, published, { clientId, nonce: answer.nonce, at });
  return proved === null ? { kind: "refused", reason: "token_invalid" } : { kind: "proved", token: proved };
}

const isOk = (sent: Sent): sent is Extract<Sent, { kind: "answered" }> => sent.kind === "answered" && sent.status === 200;

function idTokenOf(sent: Sent): string | Exclude<Redeemed, { kind: "proved" }> {
  if (sent.kind === "silent") return { kind: "unavailable" };
  if (sent.status === 200) return readJson(granted, sent.body)?.id_token ?? { kind: "refused", reason: "token_invalid" };
  const error = readJson(refusal, sent.body)?.error;
  if (error !== undefined && aboutUs.has(error)) return { kind: "misconfigured" };
  return error === "invalid_grant" || error === "invalid_request"
    ? { kind: "refused", reason: "code_refused" }
    : { kind: "unavailable" };
}
