import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { fromBase64Url, toBase64Url } from "../lib/base64url.ts";
import { sameText } from "../lib/constant-time.ts";
import { joinBytes } from "../lib/hmac.ts";
import { sha256Hex } from "../lib/bytes.ts";
import { givenSecret, mintSecret } from "../domain/sign-in/link-secrets.ts";
import type { HttpEnv } from "./http-env.ts";

/** What the browser that asks for a link keeps: it alone completes it. */
const verifierName = "__Host-dialgate-signin";
/** By what a browser is known again. It lets nobody in. */
const deviceName = "__Host-dialgate-device";
const attributes = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;
const deviceSeconds = 365 * 86_400;

/** What was made up by others, or is cut, is none. */
export const heldVerifier = (c: Context<HttpEnv>): string | null => givenSecret(getCookie(c, verifierName));
export const heldDevice = (c: Context<HttpEnv>): string | null => givenSecret(getCookie(c, deviceName));
/** Told to counters, which need to know it again and not what it is. */
export const named = (secret: string | null): string => (secret === null ? "" : sha256Hex(secret));

const deviceRandomBytes = 24;
/** 192 random bits and a keyed tag of them, together as long as any other secret: a made-up one has no attempts of its own. */
export async function mintDevice(c: Context<HttpEnv>): Promise<string> {
  const head = c.env.random(deviceRandomBytes);
  return toBase64Url(joinBytes(head, await tagOf(c, head)));
}
/** Of the browser, for counters: as one without a cookie, unless the cookie was made here. */
export async function countedDevice(c: Context<HttpEnv>): Promise<string> {
  const device = heldDevice(c);
  const bytes = device === null ? null : fromBase64Url(device);
  if (bytes === null) return "";
  const expected = joinBytes(bytes.subarray(0, deviceRandomBytes), await tagOf(c, bytes.subarray(0, deviceRandomBytes)));
  return (await sameText(toBase64Url(expected), device ?? "")) ? named(device) : "";
}
const tagOf = async (c: Context<HttpEnv>, head: Uint8Array): Promise<Uint8Array> =>
  (await c.env.hashApiKey(`device cookie ${toBase64Url(head)}`)).subarray(0, 8);

export const mintCookie = (c: Context<HttpEnv>): string => mintSecret((bytes) => c.env.random(bytes));

/** As long as the link that it is for. */
export const setVerifier = (c: Context<HttpEnv>, verifier: string): void =>
  setCookie(c, verifierName, verifier, { ...attributes, maxAge: c.env.magicLinkMinutes * 60 });
export const clearVerifier = (c: Context<HttpEnv>): void => void deleteCookie(c, verifierName, attributes);
export const setDevice = (c: Context<HttpEnv>, device: string): void =>
  setCookie(c, deviceName, device, { ...attributes, maxAge: deviceSeconds });
