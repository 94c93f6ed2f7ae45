/** The API asked by a key of an org that was built by SQL. */
import { mintApiKey } from "../../src/lib/api-key.ts";
import { publicId } from "../../src/lib/ids.ts";
import type { World } from "../support/world.ts";
import type { Api } from "./api.ts";

export async function keyed(api: Api, world: Pick<World, "orgId" | "sql">, ...scopes: readonly string[]) {
  const key = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(4));
  await world.sql(
    "insert into api_keys (org_id, id, name, secret_hash, scopes, created_at) values ($1, $2, 'test', $3, $4, now())",
    [world.orgId, key.id, await api.deps.hashApiKey(key.clear), scopes],
  );
  const send = (method: string, path: string, body?: unknown) =>
    api.send(method, path, { key: key.clear, ...(body === undefined ? {} : { body }) });
  return {
    get: (path: string) => send("GET", path),
    post: (path: string, body?: unknown) => send("POST", path, body),
    actor: `api_key:${publicId("apiKey", key.id)}`,
  };
}
