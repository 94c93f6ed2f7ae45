import { createHmac } from "node:crypto";
import { realNow } from "./api.ts";

/** Retell's own: `v=<ms>,d=<HMAC-SHA-256 of body and ms>`. */
export function retellSignature(key: string, body: string, at: string = realNow): string {
  const milliseconds = String(Date.parse(at));
  return `v=${milliseconds},d=${createHmac("sha256", key)
    .update(body + milliseconds)
    .digest("hex")}`;
}
export const retellKey = "retell_key_for_tests";
export const retellConnection = {
  vendor: "retell",
  name: "Retell",
  config: { agent_id: "agent_1", from_number: "+12085550100" },
  credential: { api_key: retellKey },
};
