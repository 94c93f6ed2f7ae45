import type { Context } from "hono";
import type { OrgDb } from "../db/org-db.ts";
import type { Asking, Demand } from "../db/system-db.ts";
import { type Credential, type Oddity, tellOwners } from "../domain/alerts/tell-owners.ts";
import { hexOf } from "../lib/bytes.ts";
import { publicId } from "../lib/ids.ts";
import type { Principal } from "./authenticate.ts";
import type { HttpEnv } from "./http-env.ts";
import { faultOf, isAccessRefused } from "./on-error.ts";

type Machine = Exclude<Principal, { readonly kind: "session" }>;
const nothingDemanded: Demand = { scope: null, roles: null, factor: false };

/**
 * After the request, also one that was refused: whoever took a credential tries what it may do. Whatever becomes of it the
 * answer stands: what could not be told is found again with the next one.
 */
export async function tellOfOddUse(c: Context<HttpEnv>, asking: Asking): Promise<void> {
  const { principal } = c.var;
  const org = c.var.org as OrgDb | undefined;
  if (principal.kind === "session" || org === undefined) return;
  const odd: Oddity[] = [
    ...(org.noticed.newNetwork ? (["new_network"] as const) : []),
    ...(c.var.unusualRate === true ? (["unusual_rate"] as const) : []),
  ];
  // What the request was refused for is not asked of what tells of it.
  if (odd.length > 0) await tell(c, org.lastBound === null ? handleOf(c, principal, asking) : org, principal, odd, asking);
}

/** Of a request that its quota refuses, which nobody has proved: asked once for a credential and network in an isolate. */
export async function tellOfRefusedUse(c: Context<HttpEnv>, asking: Asking): Promise<void> {
  const { principal } = c.var;
  if (principal.kind === "session" || asking.network === null) return;
  const sent = principal.kind === "api_key" ? hexOf(principal.hash) : principal.proof.issuerId;
  const use = `${sent} ${asking.network}`;
  if (c.env.knownUses.has(use)) return;
  c.env.knownUses.keep(use);
  const org = handleOf(c, principal, asking);
  if (!(await orReported(c, async () => void (await org.bound())))) c.env.knownUses.forget(use);
  if (org.noticed.newNetwork) await tell(c, org, principal, ["new_network"], asking);
}

async function tell(c: Context<HttpEnv>, org: OrgDb, principal: Machine, odd: readonly Oddity[], asking: Asking): Promise<void> {
  await orReported(c, async () => {
    for (const one of odd)
      if (await tellOwners(org, c.env, one, credentialOf(principal), asking.network, asking.realNow)) await c.env.wakeMail();
  });
}

/** False: it failed. */
async function orReported(c: Context<HttpEnv>, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (thrown) {
    // It is nobody's credential, or is one no more.
    if (thrown instanceof Error && isAccessRefused(thrown)) return true;
    c.env.report(faultOf(thrown instanceof Error ? thrown : new Error("unknown"), c.var.requestId));
    return false;
  }
}

function handleOf(c: Context<HttpEnv>, principal: Machine, asking: Asking): OrgDb {
  const { system } = c.env;
  if (principal.kind === "api_key") return system.asApiKey(principal, null, nothingDemanded, asking);
  return system.asToken(principal.proof, null, nothingDemanded, asking);
}

function credentialOf(principal: Machine): Credential {
  const [kind, id] =
    principal.kind === "api_key" ? (["apiKey", principal.id] as const) : (["tokenIssuer", principal.proof.issuerId] as const);
  return { kind: kind === "apiKey" ? "api_key" : "token_issuer", id, publicId: publicId(kind, id) };
}
