import type { Context } from "hono";
import type { OrgDb } from "../db/org-db.ts";
import { type Credential, type Oddity, tellOwners } from "../domain/alerts/tell-owners.ts";
import { publicId } from "../lib/ids.ts";
import type { Principal } from "./authenticate.ts";
import { networkOf } from "./client-address.ts";
import type { HttpEnv } from "./http-env.ts";
import { addressOf } from "./limit-rate.ts";
import { faultOf } from "./on-error.ts";

/** After the request, and whatever becomes of it the answer stands: what could not be told is found again with the next one. */
export async function tellOfOddUse(c: Context<HttpEnv>): Promise<void> {
  const org = c.var.org as OrgDb | undefined;
  const credential = credentialOf(c.var.principal);
  if (credential === null || org?.lastBound == null) return;
  const odd: Oddity[] = [
    ...(org.lastBound.fromNewNetwork ? (["new_network"] as const) : []),
    ...(c.var.unusualRate === true ? (["unusual_rate"] as const) : []),
  ];
  try {
    for (const one of odd)
      if (await tellOwners(org, c.env, one, credential, networkOf(addressOf(c)), c.env.now())) await c.env.wakeMail();
  } catch (thrown) {
    c.env.report(faultOf(thrown instanceof Error ? thrown : new Error("unknown"), c.var.requestId));
  }
}

function credentialOf(principal: Principal): Credential | null {
  if (principal.kind === "session") return null;
  const [kind, id] =
    principal.kind === "api_key" ? (["apiKey", principal.id] as const) : (["tokenIssuer", principal.proof.issuerId] as const);
  return { kind: kind === "apiKey" ? "api_key" : "token_issuer", id, publicId: publicId(kind, id) };
}
