import type { OrgDb } from "../../db/org-db.ts";
import { claimIdempotencyKey, releaseIdempotencyKey, settleIdempotencyKey } from "../../db/queries/idempotency-keys.ts";
import { rowsOf } from "../../db/transport.ts";
import { byteaText, hexOf, sha256 } from "../../lib/bytes.ts";

export interface KeyedRequest {
  readonly principalId: string;
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export type Claim =
  | { readonly kind: "claimed" }
  | { readonly kind: "replay"; readonly answer: KeptAnswer }
  | { readonly kind: "reused" }
  | { readonly kind: "in_flight" }
  /** The first request broke off, or failed in a way that leaves open what it did. */
  | { readonly kind: "unknown" };

interface ClaimRow {
  readonly claimed: boolean;
  readonly fingerprint: Uint8Array | null;
  readonly status: number | null;
  readonly headers: Record<string, string> | null;
  readonly body: string | null;
  readonly stale: boolean;
}

/** Takes the key for this request, or says what became of the one that has it. One request to the database. */
export async function claimKey(org: OrgDb, request: KeyedRequest): Promise<Claim> {
  const fingerprint = sha256(JSON.stringify([request.method, request.path, request.body]));
  const statement = claimIdempotencyKey(request.principalId, request.key, byteaText(fingerprint));
  // Bookkeeping of the protocol and no change of the org's state, here and below: it has no audit entry.
  const { answers } = await org.query(statement);
  const [row] = answers[0] === undefined ? [] : rowsOf<ClaimRow>(answers[0]);
  if (row === undefined) return { kind: "in_flight" };
  if (row.claimed) return { kind: "claimed" };
  if (row.fingerprint === null || hexOf(row.fingerprint) !== hexOf(fingerprint)) return { kind: "reused" };
  if (row.status === null) return { kind: row.stale ? "unknown" : "in_flight" };
  if (row.status === 0) return { kind: "unknown" };
  return { kind: "replay", answer: { status: row.status, headers: row.headers ?? {}, body: row.body ?? "" } };
}

/** Keeps the answer for repetitions; `null` when nobody can say what came of the request. */
export async function keepAnswer(org: OrgDb, request: KeyedRequest, answer: KeptAnswer | null): Promise<void> {
  const kept =
    answer === null
      ? { status: 0, headers: null, body: null }
      : { status: answer.status, headers: JSON.stringify(answer.headers), body: answer.body };
  await org.query(settleIdempotencyKey(request.principalId, request.key, kept));
}

/** Nothing was done for the request: its key serves again. */
export async function releaseKey(org: OrgDb, request: KeyedRequest): Promise<void> {
  await org.query(releaseIdempotencyKey(request.principalId, request.key));
}
