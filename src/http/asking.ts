import type { Context } from "hono";
import type { Asking } from "../db/system-db.ts";
import { clientAddress, networkOf } from "./client-address.ts";
import type { HttpEnv } from "./http-env.ts";

/** Whom the request's address stands for. */
export const addressOf = (c: Context<HttpEnv>): string => clientAddress(c.req.header("cf-connecting-ip"));

export const askingOf = (c: Context<HttpEnv>): Asking => ({
  requestId: c.var.requestId,
  realNow: c.env.now(),
  country: countryOf(c),
  network: networkOf(addressOf(c)),
});
/** Where the platform says that the request comes from. `XX` is its word for not knowing; `T1` is Tor, which is somewhere. */
export function countryOf(c: Context<HttpEnv>): string | null {
  const { cf } = c.req.raw as Request & { readonly cf?: { readonly country?: unknown } };
  const country = cf?.country;
  return typeof country === "string" && /^[A-Z0-9]{2}$/.test(country) && country !== "XX" ? country : null;
}
