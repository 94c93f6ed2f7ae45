import { eq } from "drizzle-orm";
import type { Bound, OrgDb } from "../../db/org-db.ts";
import { reachableConnection, type ReachableRow } from "../../db/queries/connections.ts";
import { applyWaitingStops, attemptOfEvent, insertInboxRow, reportUnattributed, unattributed } from "../../db/queries/inbox.ts";
import { bumpPerson } from "../../db/queries/persons.ts";
import { suppressions } from "../../db/schema/index.ts";
import { AccessRefused } from "../../db/system-db.ts";
import { rowsOf } from "../../db/transport.ts";
import { byteaText, sha256 } from "../../lib/bytes.ts";
import { publicId, uuidOf } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { isStorable, storableText } from "../../lib/storable-text.ts";
import type { InboundWebhook, StopToolCall, VoiceProvider, WebhookRefusal } from "../../providers/voice/contract.ts";
import { reachVoice } from "../connections/reach-voice.ts";
import type { Adapters } from "../connections/test-connection.ts";
import { suppressPerson } from "../suppressions/suppress.ts";

type Raw = InboundWebhook & { readonly raw: Uint8Array<ArrayBuffer> };
export type ReceiveRefusal = "connection_unknown" | WebhookRefusal;

/**
 * Verify on raw bytes, insert once, answer: what it says is applied afterwards, from the inbox. Nothing of an event whose
 * signature does not hold is stored.
 */
export async function receiveEvent(
  org: OrgDb,
  adapters: Adapters,
  connectionId: string,
  webhook: Raw,
): Promise<Result<{ known: boolean; bound: Bound }, ReceiveRefusal>> {
  const reached = await reach(org, adapters, connectionId);
  if (reached === null) return refuse("connection_unknown");
  const verified = await reached.provider.verify(webhook);
  if (!verified.ok) return verified;
  const event = verified.value;
  // Signed or not: ids that no database can hold name no call, and a vendor that is told 5xx sends them for ever.
  if (!isStorable(`${event.dedupeKey}${event.type}${event.providerCallId ?? ""}`)) return refuse("body_malformed");
  const keepsWords = reached.row.inbox_keeps === "raw";
  const report = event.report === null || keepsWords ? event.report : { ...event.report, transcript: null };
  const { answers } = await org.changeInOneRequest(
    [],
    insertInboxRow({
      id: org.newId(),
      connectionId,
      dedupeKey: event.dedupeKey,
      type: event.type,
      providerCallId: event.providerCallId,
      attemptId: attemptUuid(event.attemptId),
      receivedAt: webhook.receivedAt,
      bodyDigest: byteaText(sha256(webhook.raw)),
      body: keepsWords ? new TextDecoder().decode(webhook.raw) : null,
      report: report === null ? null : JSON.stringify(report),
      state: "pending",
      reason: null,
    }),
  );
  return ok({ known: answers[0]?.rows.length === 0, bound: reached.bound });
}

/**
 * A person asked, in the call, for calls to end: the suppression commits before the agent is answered, once per tool call.
 * A stop of a call that nobody can name yet waits in the inbox and is an incident; its agent is told to end the call all the
 * same, and the stop is applied when an answer, a report, a look-up or a repeat says whose call it was.
 */
export async function receiveStop(
  org: OrgDb,
  adapters: Adapters,
  connectionId: string,
  webhook: Raw,
): Promise<Result<{ matched: boolean; bound: Bound }, ReceiveRefusal>> {
  const reached = await reach(org, adapters, connectionId);
  if (reached === null) return refuse("connection_unknown");
  const verified = await reached.provider.verifyStopTool(webhook);
  if (!verified.ok) return verified;
  const stop = verified.value;
  if (!isStorable(stop.dedupeKey + stop.providerCallId)) return refuse("body_malformed");
  const find = attemptOfEvent(connectionId, attemptUuid(stop.attemptId), stop.providerCallId);
  const [attempt] = await org.rows<{ id: string; person_id: string }>(find);
  const row = await inboxRowOf(org, connectionId, webhook, stop, attempt?.id ?? null);
  if (attempt === undefined) await keepUnattributed(org, row);
  else await applyStop(org, row, stop, attempt);
  return ok({ matched: attempt !== undefined, bound: reached.bound });
}

type StopRow = Awaited<ReturnType<typeof inboxRowOf>>;

function keepUnattributed(org: OrgDb, row: StopRow): Promise<void> {
  const subject = publicId("connection", row.connectionId);
  return org.change({ action: "stop_tool.received", subject, facts: { attributed: false } }, async (w) => {
    const inserted = await w.rows<{ id: string }>(insertInboxRow(row));
    if (inserted.length === 0) return w.withdrawEntry();
    await w.rows(reportUnattributed(row.id, row.connectionId));
  });
}

function applyStop(org: OrgDb, row: StopRow, stop: StopToolCall, attempt: { id: string; person_id: string }): Promise<void> {
  return org.change({ action: "stop_tool.received", subject: publicId("attempt", attempt.id) }, async (w) => {
    const inserted = await w.rows<{ id: string }>(insertInboxRow(row));
    if (inserted.length === 0) {
      // An earlier delivery may still wait for its call to be known, and now it is.
      const [waited] = await w.rows<{ applied: number }>(applyWaitingStops(attempt.id, stop.providerCallId));
      if ((waited?.applied ?? 0) === 0) w.withdrawEntry();
      return;
    }
    // The call's report may have said it first: the person's row orders the two, and one stop is recorded once.
    await w.rows(bumpPerson(attempt.person_id));
    if ((await w.findOne(suppressions, eq(suppressions.attemptId, attempt.id))) !== null) return;
    w.withdrawEntry();
    await suppressPerson(w, attempt.person_id, {
      source: "in_call_tool",
      byOrg: false,
      // A stop is never lost for the words that came with it.
      note: stop.reason === null ? null : storableText(stop.reason.slice(0, 500)),
      attemptId: attempt.id,
    });
  });
}

async function reach(
  org: OrgDb,
  adapters: Adapters,
  connectionId: string,
): Promise<{ bound: Bound; row: ReachableRow; provider: VoiceProvider } | null> {
  // A path that names no connection binds no org.
  const found = await org.query(reachableConnection(connectionId)).catch((thrown: unknown) => {
    if (thrown instanceof AccessRefused) return null;
    throw thrown;
  });
  if (found === null) return null;
  const { bound, answers } = found;
  const [row] = answers[0] === undefined ? [] : rowsOf<ReachableRow>(answers[0]);
  if (row === undefined || row.kind !== "voice") return null;
  const provider = reachVoice(adapters, bound, row);
  return provider === null ? null : { bound, row, provider };
}

async function inboxRowOf(org: OrgDb, connectionId: string, webhook: Raw, stop: StopToolCall, attemptId: string | null) {
  return {
    id: org.newId(),
    connectionId,
    dedupeKey: stop.dedupeKey,
    type: "stop_tool",
    providerCallId: stop.providerCallId,
    attemptId,
    receivedAt: webhook.receivedAt,
    bodyDigest: byteaText(sha256(webhook.raw)),
    // A tool call's body can carry the whole conversation: ids alone are kept.
    body: null,
    report: null,
    state: attemptId === null ? ("pending" as const) : ("applied" as const),
    reason: attemptId === null ? unattributed : null,
  };
}

/** What a vendor echoes is ours only if it has our form. */
const attemptUuid = (text: string | null): string | null => (text === null ? null : uuidOf("attempt", text));
