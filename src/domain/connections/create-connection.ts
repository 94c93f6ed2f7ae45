import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { scrubAllAgain } from "../../db/queries/scrubs.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { databaseDefault } from "../../db/schema/columns.ts";
import { connections, credentials } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { CredentialIdentity, CredentialPurpose } from "../../providers/seal-credential.ts";
import type { Vendor } from "../../providers/vendors.ts";

export type Connection = typeof connections.$inferSelect;
/** Seals a credential's fields; the keys stay on the other side. */
export type Seal = (
  identity: CredentialIdentity,
  purposes: readonly CredentialPurpose[],
  fields: Readonly<Record<string, string>>,
) => Promise<unknown>;

export interface ConnectionInput {
  readonly vendor: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly credential: Readonly<Record<string, string>>;
  readonly inboxKeeps: "raw" | "envelope";
  readonly maxConcurrency: number;
  readonly callsPerSecond: number;
}

/**
 * A simulated call ends when the test clock moves, which waits until all that is permitted at one instant was placed: sooner a
 * look-up learns nothing, and the next one is half a minute away. A real call may ring, then last as long as it is allowed to
 * (dispatch.md).
 */
const simulatorSettleSeconds = 12;
const ringSecondsMax = 120;

/** The credential is sealed for this org, kind, connection and version before anything is written, and never read back out. */
export async function createConnection(org: OrgDb, seal: Seal, vendor: Vendor, input: ConnectionInput): Promise<Connection> {
  const id = org.newId();
  const { orgId, livemode } = await org.bound();
  const identity = { orgId, kind: vendor.kind, connectionId: id, version: 1 };
  const sealed = await seal(identity, vendor.purposes, input.credential);
  const { credential: _, ...rest } = input;
  return org.change(
    { action: "connection.created", subject: publicId("connection", id), facts: { vendor: input.vendor } },
    async (w) => {
      const connection = await w.insert(connections, {
        ...rest,
        id,
        kind: vendor.kind,
        status: "active",
        settleSeconds: livemode ? ringSecondsMax + maxCallSeconds(input.config) : simulatorSettleSeconds,
        queueDelaySeconds: databaseDefault as never,
        nextSlotAt: databaseDefault as never,
        createdAt: w.now,
      });
      await w.insert(credentials, { connectionId: id, version: 1, sealed, createdAt: w.now });
      await w.rows(bumpOrg());
      if (vendor.kind === "dnc") {
        await w.rows(startSweep());
        await w.rows(scrubAllAgain());
      }
      return connection;
    },
  );
}

function maxCallSeconds(config: Readonly<Record<string, unknown>>): number {
  const seconds = config["max_call_seconds"];
  return typeof seconds === "number" ? seconds : 7200;
}
