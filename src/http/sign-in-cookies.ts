import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
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
export const mintCookie = (c: Context<HttpEnv>): string => mintSecret((bytes) => c.env.random(bytes));

/** As long as the link that it is for. */
export const setVerifier = (c: Context<HttpEnv>, verifier: string): void =>
  setCookie(c, verifierName, verifier, { ...attributes, maxAge: c.env.magicLinkMinutes * 60 });
export const clearVerifier = (c: Context<HttpEnv>): void => void deleteCookie(c, verifierName, attributes);
export const setDevice = (c: Context<HttpEnv>, device: string): void =>
  setCookie(c, deviceName, device, { ...attributes, maxAge: deviceSeconds });
