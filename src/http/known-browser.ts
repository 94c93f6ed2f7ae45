import type { Context } from "hono";
import { isKnownBrowser } from "../domain/sign-in/ask-for-link.ts";
import type { HttpEnv } from "./http-env.ts";
import type { Known } from "./limit-challenges.ts";
import { countedDevice, heldDevice } from "./sign-in-cookies.ts";

/** Whether the browser has signed in as the address, or as anybody (null). It is known by its cookie, of which there is no guessing. */
export async function isBrowserOf(c: Context<HttpEnv>, email: string | null): Promise<boolean> {
  const device = heldDevice(c);
  return device !== null && (await isKnownBrowser(c.env.system, email, device));
}

/** Null for a browser without a cookie that was made here. A cookie is given to everybody: it says that one has signed in only once the database does. */
export async function knownBrowser(c: Context<HttpEnv>, email: string | null): Promise<Known | null> {
  const device = await countedDevice(c);
  return device === "" ? null : { by: device, isSo: () => isBrowserOf(c, email) };
}
