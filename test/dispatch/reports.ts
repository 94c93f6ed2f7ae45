/** What a provider reports of a call, told to a world whose leads are dialed, and how the tests look at what came of it. */
import { run } from "../../src/dispatch/run.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { publicId } from "../../src/lib/ids.ts";
import type { Instant } from "../../src/lib/instant.ts";
import type { CallReport } from "../../src/providers/voice/contract.ts";
import type { TestDatabase } from "../support/database.ts";
import { buildWorld, type World, type WorldOptions } from "../support/world.ts";
import { endedReport } from "./provider-ledger.ts";

export const keep = { keep_transcripts: true, keep_recordings: true };
export type Change = Partial<CallReport>;
export type DialedWorld = World & { readonly attempts: readonly string[] };

/** A world whose leads are dialed and accepted. */
export async function dialWorld(db: TestDatabase, options: WorldOptions = {}): Promise<DialedWorld> {
  const world = await buildWorld(db, options);
  await run(world.deps, world.org, 30);
  const rows = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1 order by id", [world.orgId]);
  return { ...world, attempts: rows.map(({ id }) => id) };
}
export const reportOf = (attempt: string, change: Change): CallReport => endedReport(publicId("attempt", attempt), change);
export const tell = (world: World, attempt: string, change: Change, kept = keep) =>
  settle(world.org, world.connectionId, reportOf(attempt, change), kept);

export const registered: Change = {
  status: "registered",
  disposition: "unknown",
  providerReason: null,
  startedAt: null,
  endedAt: null,
  durationSeconds: null,
  endedBy: "unknown",
  transcript: null,
  recordingRef: null,
  final: false,
};
export const started: Change = { ...registered, status: "in_progress", startedAt: "2026-11-18T18:00:05Z" as Instant };
export const running: Change = { ...started, durationSeconds: 7 };
export const over: Change = { transcript: null, recordingRef: null, final: false };
export const analysed: Change = {};
export const unexplained: Change = { ...over, disposition: "unknown", providerReason: null, endedBy: "unknown" };
export const unanswered: Change = {
  status: "not_connected",
  disposition: "no_answer",
  providerReason: "dial_no_answer",
  startedAt: null,
  durationSeconds: null,
  endedBy: "not_connected",
  transcript: [],
  recordingRef: null,
};
export const machine: Change = {
  disposition: "voicemail",
  providerReason: "agent_hangup",
  transcript: [{ role: "person", text: "You have reached Ann, stop by", startSeconds: 0 }],
};
export const stop: Change = {
  endedBy: "person",
  providerReason: "user_hangup",
  transcript: [{ role: "person", text: "Please stop calling me!", startSeconds: 3 }],
};
