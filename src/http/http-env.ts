import type { OrgDb } from "../db/org-db.ts";
import type { SystemDb, WorkKind } from "../db/system-db.ts";
import type { Seal } from "../domain/connections/create-connection.ts";
import type { Adapters } from "../domain/connections/test-connection.ts";
import type { SnapshotDesk } from "../domain/decisions/snapshot.ts";
import type { FileStore } from "../domain/imports/file-store.ts";
import type { KnownIssuers } from "../domain/token-issuers/verify-token.ts";
import type { CalledNow } from "../dispatch/call-now.ts";
import type { ApiKeyHasher, ApiKeyMint } from "../lib/api-key.ts";
import type { Instant } from "../lib/instant.ts";
import type { SessionMint } from "../lib/session-token.ts";
import type { NumberHasher } from "../lib/number-hash.ts";
import type { LeakSigner } from "../providers/leaks/github.ts";
import type { RecoveryCodes } from "../lib/recovery-code.ts";
import type { Challenges } from "../lib/webauthn-challenge.ts";
import type { SealLetter } from "../providers/mail/sealed-letter.ts";
import type { IdentityProviders } from "../providers/sign-in/contract.ts";
import type { TokenKeys } from "../providers/token-keys.ts";
import type { TotpSecrets } from "../providers/totp/totp-secrets.ts";
import type { Vendor } from "../providers/vendors.ts";
import type { Principal } from "./authenticate.ts";
import type { IsolateMemory } from "./isolate-memory.ts";
import type { FaultReport } from "./on-error.ts";
import type { Quotas } from "./quotas.ts";
import type { Flood, RateLimits } from "./rate-limits.ts";

/** What requests need from outside; `worker.ts` builds it for each invocation and passes it as Hono's bindings. */
export interface HttpDeps {
  readonly system: SystemDb;
  /** The real clock. What law or plan dates reads the org's own, which the database answers. */
  now(): Instant;
  newId(): string;
  random(bytes: number): Uint8Array;
  readonly publicOrigin: string;
  /** How long a link to sign in lives. */
  readonly magicLinkMinutes: number;
  readonly hashApiKey: ApiKeyHasher;
  readonly mintApiKey: ApiKeyMint;
  readonly mintSession: SessionMint;
  /** Who signed a report of leaked keys. */
  readonly leakSigner: LeakSigner;
  readonly challenges: Challenges;
  readonly recoveryCodes: RecoveryCodes;
  readonly totpSecrets: TotpSecrets;
  readonly numbers: NumberHasher;
  /** False when the database role could read past the walls between organisations: then nothing is served. */
  roleIsSafe(): Promise<boolean>;
  /** Throws when the database does not answer. */
  checkDatabase(): Promise<void>;
  readonly vendors: Readonly<Record<string, Vendor>>;
  readonly sealCredential: Seal;
  /** For `sealMail`. */
  readonly sealLetter: SealLetter;
  /** Google and Microsoft, as far as this deployment has an account there. */
  readonly identityProviders: IdentityProviders;
  readonly adapters: Adapters;
  readonly tokenKeys: TokenKeys;
  /** The isolate's memory of who signs tokens. */
  readonly knownIssuers: KnownIssuers;
  /** The isolate's memory of which sessions were proved: only those come in, so that nobody else can push them out. */
  readonly knownSessions: IsolateMemory;
  /** And of which requests that a quota refused it has asked whether their credential is used from a new network. */
  readonly knownUses: IsolateMemory;
  readonly desk: SnapshotDesk;
  readonly files: FileStore;
  /** A verb of `dispatch`, handed over by `worker.ts`: the one way from a request to a call. */
  callNow(org: OrgDb, asked: { readonly leadId: string; readonly campaignId: string }): Promise<CalledNow>;
  /** Asks for work without waiting for the next tick. What it loses the tick finds. */
  wake(orgId: string, work: WorkKind): Promise<void>;
  /** The same for mail, after what queued it has committed. */
  wakeMail(): Promise<void>;
  report(fault: FaultReport): void;
  readonly quotas: Quotas;
  readonly rateLimits: RateLimits;
  readonly flood: Flood;
}

export interface HttpEnv {
  Bindings: HttpDeps;
  Variables: {
    requestId: string;
    principal: Principal;
    org: OrgDb;
    /** Set where the credential has just passed ten times its usual rate: once an hour. Nobody has proved yet whose it is. */
    unusualRate?: true;
  };
}
