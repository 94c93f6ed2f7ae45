import type { OrgDb } from "../../../db/org-db.ts";
import {
  bindIdentity,
  type BoundIdentity,
  identityIsRemoved,
  type IdentityOwner,
  ownerOfIdentity,
  useFlow,
} from "../../../db/queries/oidc.ts";
import type { ApiKeyHasher } from "../../../lib/api-key.ts";
import { nameUnnamed } from "../../../db/queries/users.ts";
import { readEmailAddress } from "../../../lib/email-address.ts";
import { publicId } from "../../../lib/ids.ts";
import type { Instant } from "../../../lib/instant.ts";
import { readName } from "../../../lib/read-name.ts";
import { ok, refuse, type Result } from "../../../lib/result.ts";
import type { IdentityProvider, ProvedIdentity } from "../../../providers/sign-in/contract.ts";
import { sealMail } from "../../mail/mail.ts";
import { type Browser, completeSignIn, type SignedIn, type SignInDeps } from "../complete-sign-in.ts";
import { givenSecret } from "../link-secrets.ts";
import { knownPath, type NextPath } from "../next-path.ts";
import { flowSecrets, type FlowTokens } from "./flow-secrets.ts";
import { providerTitles } from "./provider-titles.ts";

/** What the browser came back with. */
export interface Returned {
  readonly state: string | null;
  /** What the browser keeps from beginning. */
  readonly begun: string | null;
  readonly code: string | null;
  readonly error: string | null;
  /** RFC 9207. */
  readonly issuer: string | null;
}
/** docs/oidc.md says what each is. */
export const signInRefusals = [
  "flow_unknown",
  "cancelled",
  "provider_refused",
  "token_invalid",
  "address_unverified",
  "address_unusable",
  "account_disabled",
  "identity_removed",
  "provider_unavailable",
  "provider_misconfigured",
] as const;
export type SignInRefusal = (typeof signInRefusals)[number];

export interface Finished extends SignedIn {
  /** Where the browser goes on. */
  readonly next: NextPath | null;
}

export interface OidcDeps extends SignInDeps {
  readonly hashApiKey: ApiKeyHasher;
}

/** As of the name that somebody gives themselves. */
const nameCharactersMax = 100;

/** What somebody chose to do at the provider, and no fault of anyone's (OpenID Connect Core 1.0 §3.1.2.6). */
const chosen = new Set([
  "access_denied",
  "interaction_required",
  "login_required",
  "consent_required",
  "account_selection_required",
]);

/**
 * Ends a sign-in: the flow is used up first, whatever comes of it, so that neither state nor code serves twice; then the
 * provider is asked who came. A refusal after that stands in the platform's chain.
 */
export async function finishSignIn(
  visitor: OrgDb,
  deps: OidcDeps,
  provider: IdentityProvider,
  redirectUri: string,
  returned: Returned,
  browser: Browser,
  realNow: Instant,
): Promise<Result<Finished, SignInRefusal>> {
  const { code, error, issuer } = returned;
  const [state, begun] = [givenSecret(returned.state ?? undefined), givenSecret(returned.begun ?? undefined)];
  if (state === null || begun === null) return refuse("flow_unknown");
  const secrets = await takeFlow(visitor, deps.hashApiKey, provider, { state, browser: begun }, realNow);
  if (secrets === null) return refuse("flow_unknown");
  if (error !== null) return refuse(chosen.has(error) ? "cancelled" : "provider_refused");
  // Each provider has a redirect URI of its own; one that also says who it is must be the one that was asked (RFC 9700 §4.4.2).
  if (code === null || (issuer !== null && !provider.mayBeIssuer(issuer))) return refuse("provider_refused");
  const identified = await provider.identify({ redirectUri, code, nonce: secrets.nonce, verifier: secrets.verifier }, realNow);
  switch (identified.kind) {
    case "unavailable":
      return refuse("provider_unavailable");
    case "misconfigured":
      return refuse("provider_misconfigured");
    case "refused":
      return noted(visitor, provider, identified.reason === "code_refused" ? "provider_refused" : "token_invalid");
    case "identified": {
      const done = await admit(visitor, deps, provider, identified.identity, browser, realNow);
      return done.ok ? ok({ ...done.value, next: secrets.next }) : done;
    }
  }
}

async function takeFlow(visitor: OrgDb, hash: ApiKeyHasher, provider: IdentityProvider, tokens: FlowTokens, realNow: Instant) {
  const secrets = await flowSecrets(hash, tokens);
  const [taken] = await visitor.rows<{ next_path: string | null }>(useFlow({ ...secrets, provider: provider.name }, realNow));
  return taken === undefined ? null : { ...secrets, next: knownPath(taken.next_path) };
}

const refusalEntry = ({ name }: IdentityProvider) =>
  ({ action: "sign_in.refused", subject: name, facts: { method: name } }) as const;

async function noted(visitor: OrgDb, provider: IdentityProvider, reason: SignInRefusal) {
  const entry = refusalEntry(provider);
  await visitor.changeInOneRequest([{ ...entry, facts: { ...entry.facts, reason } }]);
  return refuse(reason);
}

/**
 * One transaction: whose the account at the provider is, that it is theirs from now on, and their session. Known by issuer and
 * subject; by its address only the first time, and only by one that the provider answers for. What its person took away comes
 * back to them in a browser that they are signed in with, and by no address.
 */
async function admit(
  visitor: OrgDb,
  deps: OidcDeps,
  provider: IdentityProvider,
  identity: ProvedIdentity,
  browser: Browser,
  realNow: Instant,
): Promise<Result<SignedIn, SignInRefusal>> {
  const key = { provider: provider.name, issuer: identity.issuer, subject: identity.subject };
  return visitor.change(refusalEntry(provider), async (w) => {
    // The entry of a refusal stands unless somebody is let in.
    const refused = (reason: SignInRefusal) => (w.note({ reason }), refuse(reason));
    const [owner] = await w.rows<IdentityOwner>(ownerOfIdentity(key));
    const address = owner === undefined ? addressOf(identity) : ok(owner.email);
    if (!address.ok) return refused(address.refusal);
    const [kept] = await w.rows<{ removed: boolean }>(identityIsRemoved(key, address.value, browser.session, realNow));
    if (kept?.removed !== false) return refused("identity_removed");
    const done = await completeSignIn(w, deps, { email: address.value, method: provider.name }, browser, realNow);
    if (done === null) return refused("account_disabled");
    w.withdrawEntry();
    const [bound] = await w.rows<BoundIdentity>(bindIdentity(deps.newId(), key, done, realNow));
    // Two requests bound one account to two addresses at the same instant: the one that lost is asked again.
    if (bound?.user_id !== done.userId) throw new Error("an identity is another user's");
    if (!bound.is_new) return ok(done);
    const name = identity.name === null ? null : readName(identity.name, nameCharactersMax);
    if (name !== null) await w.rows(nameUnnamed(done.userId, name));
    const facts = { user: publicId("user", done.userId), provider: provider.name };
    w.also({ action: "identity.bound", subject: publicId("identity", bound.id), facts });
    if (done.isNewUser) return ok(done);
    // A further way into an account that was there: its holder hears of it.
    await w.rows(await mailOf(deps, provider, bound.id, address.value, realNow));
    return ok({ ...done, mailQueued: true });
  });
}

/** In its normal form. Letters that normalising would make into others are not taken from a provider: nobody typed them. */
function addressOf({ verifiedAddress }: ProvedIdentity): Result<string, SignInRefusal> {
  if (verifiedAddress === null) return refuse("address_unverified");
  const read = readEmailAddress(verifiedAddress);
  return read.ok && /^[\x21-\x7e]+$/.test(verifiedAddress) ? read : refuse("address_unusable");
}

const mailOf = (deps: OidcDeps, { name }: IdentityProvider, id: string, to: string, when: Instant) =>
  sealMail(deps, {
    kind: "sign_in_added",
    to,
    params: { provider: providerTitles[name], identityId: publicId("identity", id), when },
  });
