import type { MiddlewareHandler } from "hono";
import { parseApiKey } from "../lib/api-key.ts";
import type { HttpEnv } from "./http-env.ts";
import { unauthorized } from "./on-error.ts";

/** Who calls, as far as the request alone can say; the database proves it with the first statement. Sessions and tokens join here. */
export type Principal = { readonly kind: "api_key"; readonly id: string; readonly hash: Uint8Array };

/** Reads the credential without touching the database: what was never issued is refused here. */
export const authenticate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const header = c.req.header("authorization");
  if (header === undefined) throw unauthorized("Send an API key: Authorization: Bearer dg_test_…");
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header)?.[1];
  const key = token === undefined ? null : parseApiKey(token);
  if (key === null) throw unauthorized("The Authorization header carries no API key of this service.");
  c.set("principal", { kind: "api_key", id: key.id, hash: await c.env.hashApiKey(key.clear) });
  await next();
};
