/** Every statement of db/queries, made for the rows of one org, whoever sends it. */
import type { Instant } from "../../src/lib/instant.ts";
import { readdirSync } from "node:fs";
import * as alerts from "../../src/db/queries/alerts.ts";
import * as account from "../../src/db/queries/account.ts";
import * as audit from "../../src/db/queries/audit.ts";
import * as campaigns from "../../src/db/queries/campaigns.ts";
import * as connections from "../../src/db/queries/connections.ts";
import * as credentials from "../../src/db/queries/credentials.ts";
import * as consentEvents from "../../src/db/queries/consent-events.ts";
import * as decisions from "../../src/db/queries/decisions.ts";
import * as dialFacts from "../../src/db/queries/dial-facts.ts";
import * as factsSource from "../../src/db/queries/facts-source.ts";
import * as dispatch from "../../src/db/queries/dispatch.ts";
import * as factVersions from "../../src/db/queries/fact-versions.ts";
import * as idempotencyKeys from "../../src/db/queries/idempotency-keys.ts";
import * as inbox from "../../src/db/queries/inbox.ts";
import * as incidents from "../../src/db/queries/incidents.ts";
import * as intake from "../../src/db/queries/intake.ts";
import * as leads from "../../src/db/queries/leads.ts";
import * as members from "../../src/db/queries/members.ts";
import * as persons from "../../src/db/queries/persons.ts";
import * as profiles from "../../src/db/queries/profiles.ts";
import * as scrubs from "../../src/db/queries/scrubs.ts";
import * as standing from "../../src/db/queries/standing.ts";
import * as stopChecks from "../../src/db/queries/stop-checks.ts";
import * as suppressions from "../../src/db/queries/suppressions.ts";
import * as tokenIssuers from "../../src/db/queries/token-issuers.ts";
import * as testClock from "../../src/db/queries/test-clock.ts";
import { sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Statement } from "../../src/db/transport.ts";
import { publicId } from "../../src/lib/ids.ts";
import { newId } from "../support/world.ts";
import type { Admin } from "./tenants.ts";

const modules: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  account, alerts, audit, campaigns, connections, "consent-events": consentEvents, credentials, decisions, "dial-facts": dialFacts, dispatch, "fact-versions": factVersions, "facts-source": factsSource,
  "idempotency-keys": idempotencyKeys, inbox, incidents, intake, leads, members, persons, profiles, scrubs, standing, "stop-checks": stopChecks, suppressions, "test-clock": testClock, "token-issuers": tokenIssuers,
}; // prettier-ignore

const wholeChain = { type: null, subject: null, actor: null, fromUs: null, untilUs: null } as const;

/** Ids of one org's rows, each in the state that gives the statements something to do. */
export type Known = Readonly<Record<keyof typeof knownSql, string>>;
const attempt = (where: string) => `select id::text as v from dial_attempts where org_id = $1 and ${where} order by id`;
const leasedSql = (column: string) =>
  `select ${column}::text as v from leases k join enrolments e on e.org_id = k.org_id and e.id = any (k.enrolment_ids)
     where k.org_id = $1 order by k.token, e.id`;
const marked = (column: string) => `select ${column} as v from standing_marks m join persons p on p.id = m.person_id
  join enrolments e on e.person_id = m.person_id and e.state in ('waiting', 'held') where m.org_id = $1 order by e.id`;
const refused = (column: string) =>
  `select ${column} as v from leads l join persons p on p.id = l.person_id where l.org_id = $1 and l.status = 'ineligible' order by l.id`;
const knownSql = {
  campaign: "select id::text as v from campaigns where org_id = $1 order by id",
  voice: "select id::text as v from connections where org_id = $1 and kind = 'voice' order by id",
  dnc: "select id::text as v from connections where org_id = $1 and kind = 'dnc'",
  lead: "select id::text as v from leads where org_id = $1 order by id",
  person: "select person_id::text as v from leads where org_id = $1 order by id",
  externalId: "select external_id as v from leads where org_id = $1 and external_id is not null order by id",
  hmac: "select p.e164_hmac::text as v from persons p join leads l on l.person_id = p.id where p.org_id = $1 order by p.id",
  alias:
    "select a.e164_hmac::text as v from person_aliases a join leads l on l.person_id = a.person_id where a.org_id = $1 order by a.person_id",
  markedPerson: marked("m.person_id::text"),
  mark: marked("m.marked_by::text"),
  markedVersion: marked("p.facts_version::text"),
  markedPlace: marked("e.id::text"),
  markedRow: marked("e.xmin::text"),
  refusedPerson: refused("l.person_id::text"),
  refusedLead: refused("l.id::text"),
  refusedVersion: refused("p.facts_version::text"),
  uncheckedPerson: "select id::text as v from persons where org_id = $1 and stop_check <> 'clear' order by id",
  livePerson: "select person_id::text as v from dial_attempts where org_id = $1 and state = 'permitted' order by id",
  heldPerson:
    "select person_id::text as v from enrolments where org_id = $1 and state = 'held' and reason <> 'attempt_live' order by id",
  haltedLead: "select lead_id::text as v from enrolments where org_id = $1 and state = 'waiting' and reason = 'campaign_halted'",
  stoppedHmac:
    "select p.e164_hmac::text as v from persons p join suppressions s on s.org_id = p.org_id and s.person_id = p.id where p.org_id = $1 and s.source <> 'canary' order by p.id",
  stoppedAlias:
    "select p.e164_hmac::text as v from person_aliases p join suppressions s on s.org_id = p.org_id and s.person_id = p.person_id where p.org_id = $1 and s.source <> 'canary' order by 1",
  consentDigest: "select digest::text as v from consent_events where org_id = $1 order by id",
  consentPerson: "select person_id::text as v from consent_events where org_id = $1 order by id",
  permit: "select attempt_id::text as v from permits where org_id = $1 and consumed_at is null and expires_at = 'infinity'",
  dialing: attempt("state = 'dialing'"),
  unknown: attempt("state = 'unknown'"),
  placed: attempt("state = 'placed'"),
  placedConnection: "select connection_id::text as v from dial_attempts where org_id = $1 and state = 'placed' order by id",
  placedCall: "select provider_call_id as v from dial_attempts where org_id = $1 and state = 'placed' order by id",
  token: "select k.token::text as v from leases k where k.org_id = $1 order by k.token",
  claimed: leasedSql("e.id"),
  claimedLead: leasedSql("e.lead_id"),
  claimedPerson: leasedSql("e.person_id"),
  decision: "select id::text as v from decisions where org_id = $1 order by id",
  profile: "select id::text as v from hour_profiles where org_id = $1 order by id",
  incident: "select id::text as v from incidents where org_id = $1 and closed_at is null order by id",
  dncHalt: "select halt_id::text as v from incidents where org_id = $1 and code = 'dnc_source_failing'",
  queuedImport: "select id::text as v from imports where org_id = $1 and status = 'queued'",
  doneImport: "select id::text as v from imports where org_id = $1 and status = 'succeeded'",
  inboxRow: "select id::text as v from webhook_inbox where org_id = $1 order by id",
  outboxRow: "select id::text as v from outbox where org_id = $1 order by id",
  outboxAttempt: "select subject_id::text as v from outbox where org_id = $1 order by id",
  keyOwner: "select principal_id::text as v from idempotency_keys where org_id = $1 and key = 'first'",
  orgVersion: "select facts_version::text as v from org_facts where org_id = $1",
  keySetIssuer: "select id::text as v from token_issuers where org_id = $1 and jwks_url is not null",
  apiKey: "select credential_id::text as v from credential_networks where org_id = $1",
  clock: "select app.rfc3339(now + interval '1 minute') as v from test_clocks where org_id = $1",
  member: "select user_id::text as v from memberships where org_id = $1 and role = 'owner'",
  sponsor: "select sponsor_id::text as v from api_keys where org_id = $1 and sponsor_id is not null and revoked_at is null",
  memberAddress: "select u.email as v from memberships m join users u on u.id = m.user_id where m.org_id = $1",
  invitation: "select token_hash::text as v from invitations where org_id = $1",
  invited: "select u.id::text as v from invitations i join users u on u.email = i.email where i.org_id = $1",
  supportGrantId: "select id::text as v from support_grants where org_id = $1",
  supportGrant: `select p.facts_text::jsonb -> 'actor' ->> 'grant' as v from audit.entry e join audit.payload p using (org_id, seq)
    where e.org_id = $1 and e.event_type = 'support.acted'`,
  makerKey: "select made_by::text as v from api_keys where org_id = $1 and made_by is not null",
};
export async function knownOf(admin: Admin, orgId: string): Promise<Known> {
  const known: Record<string, string> = {};
  for (const [name, text] of Object.entries(knownSql)) {
    const value = (await admin(`${text} limit 1`, [orgId])).rows[0]?.["v"];
    if (typeof value !== "string") throw new Error(`the org has no ${name}`);
    known[name] = value;
  }
  return known as Known;
}

const digest = `\\x${"ab".repeat(32)}`;
const intakeBatch = (k: Known): intake.IntakeBatch => ({
  pepperVersion: 1, personIds: [newId()], hmacs: [k.hmac.slice(2), k.alias.slice(2)], firstRows: [1], frames: [{ head: "{", tail: "}" }],
  numbers: [1], leadIds: [newId()], evidenceFrames: [1],
  columns: {
    line: "9", externalId: "", e164: "+12125550100", firstName: "", lastName: "", email: "", city: "", state: "", zip: "", source: "", notes: "",
    candidateStates: "NY", ineligibleReason: "", evidenceProof: '"a":1,', evidenceDate: '"x":1', evidenceEnd: "",
  },
}); // prettier-ignore
const report = (k: Known): dispatch.ReportParams => ({
  connectionId: k.placedConnection, attemptId: k.placed, providerCallId: k.placedCall, status: "ended", disposition: "answered", providerReason: null,
  startedAt: "2026-11-18T15:00:00Z", endedAt: "2026-11-18T15:01:00Z", durationSeconds: 60, endedBy: "person", rang: true, transcript: "[]",
  transcriptState: "kept", recordingRef: null, stopRequested: true, stopSource: "transcript", stopSearched: true, callId: newId(), suppressionId: newId(),
}); // prettier-ignore
const decided = (k: Known, kind: "campaign" | "single"): dispatch.RecordBatch => ({
  token: kind === "single" ? null : k.token, platformVersion: 1, orgVersion: Number(k.orgVersion), at: "2026-11-18T15:00:00Z", lifeLeastSeconds: 10,
  items: [
    {
      enrolmentId: kind === "single" ? null : k.claimed, leasePart: 0, decisionId: newId(), attemptId: newId(), campaignId: k.campaign,
      leadId: k.claimedLead, personId: k.claimedPerson, personVersion: 1, connectionId: k.voice, verdict: "block", outcome: "refused", reasonCodes: ["x"],
      nextEligibleAt: null, validUntil: null, fix: "null", results: "[]", ownFacts: "{}", sharedFacts: { digest: digest.slice(2), text: "{}" }, snapshotDigest: digest.slice(2),
      ringBy: "2026-11-19T02:00:00Z" as Instant, validBefore: null, lifeSeconds: 60, backState: "held", backReason: "x", backDue: null,
      auditSubject: "x", auditHead: '{"outcome":"', auditTail: '"}',
    },
  ],
}); // prettier-ignore
const arrived = (k: Known): inbox.Arrived => ({
  id: newId(), connectionId: k.voice, dedupeKey: newId(), type: "x", providerCallId: null, attemptId: null, receivedAt: "2026-11-18T15:00:00Z",
  bodyDigest: digest, body: null, report: null, state: "pending", reason: null,
}); // prettier-ignore
const chunk = (k: Known): intake.IntakeChunk => ({
  ...intakeBatch(k), importId: k.queuedImport, chunk: 0, fromByte: 0, toByte: 9, toLine: 9, isLast: true, leaseSeconds: 60, header: ["a"], flags: "",
  raws: { text: "raw", ends: [3] }, rejects: [{ line: 10, code: "row_malformed", detail: "x", raw: "raw" }], facts: '{"import":"x"}',
}); // prettier-ignore
const claimedSource = (k: Known) => ({ kind: "claimed", token: k.token }) as const;
const leadsSource = (k: Known) => ({ kind: "leads", campaignId: k.campaign, leadIds: [k.lead, k.claimedLead] }) as const;
const lease = (k: Known) => intake.leaseImport(k.queuedImport, 60, '{"import":"x"}');

type Make = (k: Known) => readonly Statement[];
/** `module.function`, and after a colon which way of calling it. */
export const statements: Readonly<Record<string, Make>> = {
  "account.accountState": () => [account.accountState()],
  "audit.auditEntries": () => [audit.auditEntries(0, 100, wholeChain)],
  "audit.auditEntries:of_type": () => [audit.auditEntries(0, 100, { ...wholeChain, type: "lead" })],
  "audit.auditEntries:of_subject": (k) => [
    audit.auditEntries(0, 100, { ...wholeChain, subject: publicId("import", k.doneImport) }),
  ],
  "audit.auditEntries:of_time": () => [audit.auditEntries(0, 100, { ...wholeChain, fromUs: 1, untilUs: 4_000_000_000_000_000 })],
  "audit.auditLookedAt": () => [audit.auditLookedAt(0, { ...wholeChain, type: "lead" })],
  "audit.auditLookedAt:of_subject": (k) => [audit.auditLookedAt(0, { ...wholeChain, subject: publicId("import", k.doneImport) })],
  "audit.auditHead": () => [audit.auditHead()],
  "campaigns.enrolCampaign": (k) => [campaigns.enrolCampaign(k.campaign, "all")],
  "campaigns.wakeHalted": () => [campaigns.wakeHalted(null, "campaign_halted")],
  "campaigns.campaignFunnel": (k) => [campaigns.campaignFunnel(k.campaign)],
  "connections.reachableConnection": (k) => [connections.reachableConnection(k.voice)],
  "connections.openAttemptsOfConnection": (k) => [connections.openAttemptsOfConnection(k.placedConnection)],
  "consent-events.appendConsentEvent": (k) => [
    consentEvents.appendConsentEvent({ id: newId(), personId: k.person, kind: "lift", digest, body: "{}" }),
  ],
  "consent-events.appendConsentEvent:known": (k) => [
    consentEvents.appendConsentEvent({
      id: newId(),
      personId: k.consentPerson,
      kind: "grant",
      digest: k.consentDigest,
      body: "{}",
    }),
  ],
  "credentials.endWhatCameOf": (k) => [credentials.endWhatCameOf(k.makerKey, "2026-01-01T00:00:00Z" as Instant)],
  "credentials.keysReach": () => [credentials.keysReach(1, "2026-01-01T00:00:00Z" as Instant, "2026-01-01T00:00:00Z" as Instant)],
  "credentials.issuersReach": () => [credentials.issuersReach(1, "2026-01-01T00:00:00Z" as Instant)],
  "decisions.snapshotOfDecision": (k) => [decisions.snapshotOfDecision(k.decision)],
  "dial-facts.readDialFacts": (k) => dialFacts.readDialFacts(claimedSource(k)),
  "dial-facts.readDialFacts:leads": (k) => dialFacts.readDialFacts(leadsSource(k)),
  "facts-source.picked": (k) =>
    [claimedSource(k), leadsSource(k)].map((source) => ({ name: "facts.picked", ...factsSource.picked(source) })),
  "dial-facts.consentEventsOf": (k) => [dialFacts.consentEventsOf([k.consentPerson])],
  "dispatch.claimEnrolments": () => [dispatch.claimEnrolments(newId(), 100, 125, 60, 45)],
  "dispatch.recordDecisions": (k) => [dispatch.recordDecisions(decided(k, "campaign"))],
  "dispatch.recordDecisions:single": (k) => [dispatch.recordDecisions(decided(k, "single"))],
  "dispatch.consumePermit": (k) => [dispatch.consumePermit(k.permit)],
  "dispatch.recordAnswer": (k) => [dispatch.recordAnswer(k.dialing, "refused", "rejected", null, "2026-11-18T16:00:00Z")],
  "dispatch.recordAnswer:final": (k) => [dispatch.recordAnswer(k.dialing, "refused", "unauthorized", null, null)],
  "dispatch.takeUnsettled": () => [dispatch.takeUnsettled(100, 60)],
  "dispatch.noteNotSettled": (k) => [dispatch.noteNotSettled(k.unknown, 1)],
  "dispatch.settleAbsent": (k) => [dispatch.settleAbsent(k.unknown)],
  "dispatch.settleLost": (k) => [dispatch.settleLost(k.placed)],
  "dispatch.sweepOverdue": () => [dispatch.sweepOverdue()],
  "dispatch.expirePermits": () => [dispatch.expirePermits()],
  "dispatch.takeOutbox": () => [dispatch.takeOutbox(100, 60)],
  "dispatch.takeInbox": () => [dispatch.takeInbox(100, 60)],
  "dispatch.applyReport": (k) => [dispatch.applyReport(report(k))],
  "dispatch.applyReport:by_call": (k) => [
    dispatch.applyReport({ ...report(k), attemptId: null, disposition: "unknown", stopRequested: false }),
  ],
  "fact-versions.bumpOrg": () => [factVersions.bumpOrg()],
  "fact-versions.shareOrg": () => [factVersions.shareOrg()],
  "idempotency-keys.claimIdempotencyKey": (k) => [idempotencyKeys.claimIdempotencyKey(k.keyOwner, "first", digest)],
  "idempotency-keys.settleIdempotencyKey": (k) => [
    idempotencyKeys.claimIdempotencyKey(k.keyOwner, "second", digest),
    idempotencyKeys.settleIdempotencyKey(k.keyOwner, "second", { status: 200, headers: null, body: null }),
  ],
  "idempotency-keys.releaseIdempotencyKey": (k) => [
    idempotencyKeys.claimIdempotencyKey(k.keyOwner, "second", digest),
    idempotencyKeys.releaseIdempotencyKey(k.keyOwner, "second"),
  ],
  "inbox.closeInboxRows": (k) => [inbox.closeInboxRows([{ id: k.inboxRow, state: "failed", reason: null }])],
  "inbox.closeOutboxRows": (k) => [
    inbox.closeOutboxRows([{ id: k.outboxRow, attemptId: k.outboxAttempt, done: true, accepted: true, reason: null }], 20),
  ],
  "inbox.closeOutboxRows:refused": (k) => [
    inbox.closeOutboxRows([{ id: k.outboxRow, attemptId: k.outboxAttempt, done: false, accepted: false, reason: "x" }], 0),
  ],
  "inbox.reportUnattributed": (k) => [inbox.reportUnattributed(k.inboxRow, k.placedConnection)],
  "inbox.applyWaitingStops": (k) => [inbox.applyWaitingStops(k.placed, "call_unattributed")],
  "inbox.insertInboxRow": (k) => [inbox.insertInboxRow(arrived(k))],
  "inbox.attemptOfEvent": (k) => [inbox.attemptOfEvent(k.placedConnection, k.placed, null)],
  "inbox.attemptOfEvent:by_call": (k) => [inbox.attemptOfEvent(k.placedConnection, null, k.placedCall)],
  "incidents.listIncidents": () => [incidents.listIncidents(false, null, 100)],
  "incidents.getIncident": (k) => [incidents.getIncident(k.incident)],
  "incidents.closeIncidentRow": (k) => [incidents.closeIncidentRow(k.incident, "api_key:x", "x")],
  "incidents.closeIncidentsOfHalt": (k) => [incidents.closeIncidentsOfHalt(k.dncHalt, "api_key:x")],
  "incidents.closeIncidents": (k) => [
    dispatch.noteNotSettled(k.unknown, 1),
    incidents.closeIncidents("attempt_unsettled", [k.unknown]),
  ],
  "intake.intakeRows": (k) => [intake.intakeRows(intakeBatch(k))],
  "intake.intakeChunk": (k) => [lease(k), intake.intakeChunk(chunk(k))],
  "intake.leaseImport": (k) => [lease(k)],
  "intake.releaseImport": (k) => [lease(k), intake.releaseImport(k.queuedImport)],
  "intake.failImport": (k) => [intake.failImport(k.queuedImport, "x", null, '{"import":"x"}')],
  "intake.openImports": () => [intake.openImports(10)],
  "intake.rejectsAfter": (k) => [intake.rejectsAfter(k.doneImport, 0, 10)],
  "leads.personOfLead": (k) => {
    const { sql: text, params } = new PgDialect().sqlToQuery(sql`select ${leads.personOfLead(k.lead)} as person`);
    return [{ name: "leads.person_of_lead", text, params }];
  },
  "leads.leadsByNumber": (k) => [leads.leadsByNumber([k.hmac, k.alias])],
  "leads.leadsByExternalId": (k) => [leads.leadsByExternalId(k.externalId)],
  "leads.refusedLeads": (k) => [leads.refusedLeads([k.refusedPerson])],
  "leads.admitLeads": (k) => [leads.admitLeads([{ id: k.refusedLead, personVersion: Number(k.refusedVersion) }])],
  "leads.moveEnrolments": (k) => [leads.moveEnrolments(k.haltedLead, ["campaign_halted"])],
  "members.membersPage": () => [members.membersPage(null, 10)],
  "members.answeringRoles": (k) => [members.answeringRoles([k.member])],
  "members.membersById": (k) => [members.membersById([k.member])],
  "members.lockMembers": () => [members.lockMembers()],
  "members.openInvitation": (k) => [members.openInvitation(k.invitation, k.invited, "2026-01-01T00:00:00Z" as Instant)],
  "members.invitedSince": () => [members.invitedSince("2026-01-01T00:00:00Z" as Instant, 1)],
  "members.memberByAddress": (k) => [members.memberByAddress(k.memberAddress)],
  "members.guestsByGrant": (k) => [members.guestsByGrant([k.supportGrantId])],
  "members.supportActs": (k) => [members.supportActs([k.supportGrant])],
  "persons.touchPersons": (k) =>
    persons.touchPersons([{ newId: newId(), hmac: k.hmac, pepperVersion: 1, allHmacs: [k.hmac, k.alias] }]),
  "persons.stopPerson": (k) => [persons.stopPerson(k.livePerson, "suppressed")],
  "persons.reopenPersons": (k) => [persons.reopenPersons([k.heldPerson])],
  "persons.bumpPerson": (k) => [persons.bumpPerson(k.person)],
  "profiles.dueProfiles": () => [profiles.dueProfiles(100)],
  "profiles.judgedProfiles": (k) => [profiles.judgedProfiles([{ id: k.profile, open: true, nextChangeAt: null }])],
  "scrubs.takeScrubDue": () => [scrubs.takeScrubDue(100)],
  "scrubs.activeDncConnections": () => [scrubs.activeDncConnections()],
  "scrubs.scrubbedSinceDisconnect": () => [scrubs.scrubbedSinceDisconnect()],
  "scrubs.scrubbedSinceHalt": (k) => [scrubs.scrubbedSinceHalt(k.dncHalt)],
  "scrubs.scrubAllAgain": (k) => [scrubs.putOffScrubs([k.lead], "2099-12-01T00:00:00Z"), scrubs.scrubAllAgain()],
  "scrubs.putOffScrubs": (k) => [scrubs.putOffScrubs([k.lead], "2026-12-01T00:00:00Z")],
  "scrubs.recordScrubs": (k) => [
    scrubs.recordScrubs({
      runId: newId(), connectionId: k.dnc, responseDigest: digest, leads: [{ id: k.lead, dueAt: "2026-12-01T00:00:00Z" }],
      answers: [k.livePerson, k.heldPerson].map((personId) => ({ id: newId(), personId, list: "national", kind: "do_not_call", result: "listed", listVersionAt: null })),
    }),
  ], // prettier-ignore
  "alerts.takeUntoldNetworks": (k) => [alerts.takeUntoldNetworks(k.apiKey, "2026-11-18T15:00:00Z" as Instant)],
  // Part of the statement that binds a machine's credential.
  "alerts.note_network": (k) => [
    { name: "app.note_network", text: "select app.note_network($1, '198.51.100.0/24', now())", params: [k.apiKey] },
  ],
  "alerts.ownersOfOrg": () => [alerts.ownersOfOrg()],
  "alerts.nameOfCredential": (k) => [alerts.nameOfCredential(k.apiKey)],
  "scrubs.recordScrubs:clear": (k) => [
    scrubs.recordScrubs({
      runId: newId(), connectionId: k.dnc, responseDigest: digest, leads: [],
      answers: [{ id: newId(), personId: k.heldPerson, list: "national", kind: "do_not_call", result: "clear", listVersionAt: null }],
    }),
  ], // prettier-ignore
  "standing.takeStaleStanding": () => [standing.takeStaleStanding(100)],
  "standing.markStanding": (k) => [standing.markStanding([k.heldPerson])],
  "standing.startSweep": () => [standing.startSweep()],
  "standing.sweepStanding": () => [standing.sweepStanding(10_000)],
  "standing.keepStanding": (k) => [
    standing.keepStanding({
      orgVersion: Number(k.orgVersion),
      platformVersion: 1,
      persons: [{ id: k.markedPerson, mark: k.mark, version: Number(k.markedVersion) }],
      places: [
        {
          enrolmentId: k.markedPlace,
          rowVersion: k.markedRow,
          personVersion: Number(k.markedVersion),
          standing: "[]",
          validUntil: null,
        },
      ],
    }),
  ],
  "stop-checks.openStopChecks": () => [stopChecks.openStopChecks("pending", null, 100)],
  "stop-checks.lockStopCheck": (k) => [stopChecks.lockStopCheck(k.uncheckedPerson)],
  "stop-checks.endStopCheck": (k) => [stopChecks.endStopCheck(k.uncheckedPerson)],
  "suppressions.personsOfNumbers": (k) => [suppressions.personsOfNumbers([k.stoppedHmac, k.stoppedAlias])],
  "suppressions.suppressionsOfNumbers": (k) => [suppressions.suppressionsOfNumbers([0, 1], [k.stoppedHmac, k.stoppedAlias])],
  "test-clock.readClock": () => [testClock.readClock()],
  "test-clock.takeClock": () => [testClock.takeClock(60)],
  "test-clock.pendingWork": () => [testClock.pendingWork()],
  "test-clock.moveClock": (k) => [...testClock.moveClock(k.clock, 60)],
  "test-clock.stopClock": () => [testClock.stopClock("ready", null)],
  "test-clock.releaseClock": () => [testClock.releaseClock()],
  "token-issuers.readTokenIssuer": (k) => [
    tokenIssuers.readTokenIssuer(
      { issuerId: k.keySetIssuer, alg: "ES256", issuer: "https://idp.test", keyId: "one" },
      "2026-11-20T09:00:00Z" as Instant,
      { freshSince: "2026-11-20T08:50:00Z" as Instant, triedSince: "2026-11-20T08:55:00Z" as Instant },
    ),
  ],
  "token-issuers.keepKeySet": (k) => [tokenIssuers.keepKeySet(k.keySetIssuer, 1, "2026-11-20T09:00:00Z" as Instant, "[]", null)],
};

/** On tables without an org, and through doors. */
const ofNoOrg = ["factors", "mails", "oidc", "sign-in", "users", "ways-in"];

/** What db/queries exports and has no statement above: a new one must be tried too. */
export function untried(): string[] {
  const files = readdirSync(new URL("../../src/db/queries/", import.meta.url)).map((file) => file.replace(/\.ts$/, ""));
  const tried = new Set(Object.keys(statements).map((name) => name.split(":")[0]));
  return files.flatMap((file) => {
    if (ofNoOrg.includes(file)) return [];
    const module = modules[file];
    if (module === undefined) return [file];
    const functions = Object.entries(module).filter(([, value]) => typeof value === "function");
    return functions.map(([name]) => `${file}.${name}`).filter((name) => !tried.has(name));
  });
}
