import type { OrgDb } from "../db/org-db.ts";
import type { SystemDb } from "../db/system-db.ts";
import type { Seal } from "../domain/connections/create-connection.ts";
import type { Adapters } from "../domain/connections/test-connection.ts";
import type { ApiKeyHasher } from "../lib/api-key.ts";
import type { Instant } from "../lib/instant.ts";
import type { NumberHasher } from "../lib/number-hash.ts";
import type { Vendor } from "../providers/vendors.ts";
import type { Principal } from "./authenticate.ts";
import type { FaultReport } from "./on-error.ts";

/** What requests need from outside; `worker.ts` builds it for each invocation and passes it as Hono's bindings. */
export interface HttpDeps {
  readonly system: SystemDb;
  /** The real clock. What law or plan dates reads the org's own, which the database answers. */
  now(): Instant;
  newId(): string;
  readonly publicOrigin: string;
  readonly hashApiKey: ApiKeyHasher;
  readonly numbers: NumberHasher;
  /** Asks the database one thing, and refuses a role that could see past the walls. */
  checkDatabase(): Promise<void>;
  readonly vendors: Readonly<Record<string, Vendor>>;
  readonly sealCredential: Seal;
  readonly adapters: Adapters;
  report(fault: FaultReport): void;
}

export interface HttpEnv {
  Bindings: HttpDeps;
  Variables: { requestId: string; principal: Principal; org: OrgDb };
}
