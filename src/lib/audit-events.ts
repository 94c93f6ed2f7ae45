/** What one type of audit entry says, and the names of its facts. */
export interface AuditEvent<Fact extends string = string> {
  readonly says: string;
  readonly facts: readonly Fact[];
}
const event = <const Fact extends string = never>(says: string, ...facts: readonly Fact[]): AuditEvent<Fact> => ({ says, facts });

/** What concerns no organisation: entries of the platform's own chain. */
export const platformEvents = {
  "identity.bound": event("An account at Google or Microsoft was bound to a person.", "user", "provider"),
  "identity.removed": event("Its person took it away; its sessions ended with it.", "user", "provider", "sessions"),
  "passkey.added": event("A passkey was added.", "user", "backed_up"),
  "passkey.counter_regressed": event("Its counter went back: it may have been copied.", "user"),
  "passkey.removed": event("A passkey was removed.", "user", "was_last"),
  "passkey.renamed": event("A passkey was given another name.", "user"),
  "passkey.used": event("Its person signed in with it.", "user"),
  "recovery_code.used": event("A recovery code was taken as the second factor.", "codes_left"),
  "recovery_codes.made": event("A new set of recovery codes was made; older ones hold no more."),
  "second_factor.failed": event("A second factor did not hold.", "method", "failures", "user"),
  "second_factor.shown": event("A second factor was shown in a session.", "method"),
  "session.ended": event("A session ended: by its person, or by what `by` says.", "by"),
  "session.new_country": event("A session is used from another country than before; its person is mailed.", "user"),
  "session.new_device": event("A person signed in by a browser or from a country that they had not used.", "user", "new_device", "new_country"), // prettier-ignore
  "session.started": event("A person signed in.", "method", "status", "user"),
  "sessions.factor_due": event(
    "A person's other sessions are to show the second factor that was added, or one that is left.",
    "sessions",
  ),
  "sessions.others_ended": event("A person ended their sessions but `kept`; each has its entry.", "by", "kept"),
  "sign_in.failed": event(
    "A link, its code or a passkey did not hold. `ended`: it had been right, and was over.",
    "user",
    "ended",
  ),
  "sign_in.many_failures": event("Ten of them within fifteen minutes for one address."),
  "sign_in.refused": event("A sign-in at Google or Microsoft let nobody in.", "method", "reason"),
  "totp.added": event("An authenticator was added."),
  "totp.removed": event("An authenticator was removed.", "was_last"),
  "totp.started": event("An authenticator's secret was shown; it holds once it is confirmed."),
  "user.created": event("A person signed in for the first time.", "method"),
  "user.updated": event("A person changed what they are called; a name stands on no chain.", "changed"),
} as const;

const moved = ["changed", "from", "to"] as const;

/** Entries of organisations' chains. */
export const orgEvents = {
  "api_key.created": event("A key was made. `rotated_from`: in that one's place.", "scopes", "expires_at", "rotated_from"),
  "api_key.leaked": event(
    "A key was reported as leaked, and revoked. `reported_by`: `member` of its organisation, `github`, or `unsigned`: whoever showed it.",
    "reported_by",
    "found_on",
  ),
  "api_key.revoked": event("A key was revoked. `why`: by what else than a request for it.", "why", "leaked"),
  "api_key.rotated": event("A key was replaced by `successor`, and works until `expires_at`.", "successor", "expires_at"),
  "attempt.answered": event("The provider answered the call that was placed.", "answer", "reason"),
  "attempt.cancelled": event("The permit was cancelled before a call: facts had changed.", "reason"),
  "attempt.dialing": event("The permit was used: the provider is called next.", "reason"),
  "attempt.expired": event("The permit ran out unused.", "reason"),
  "attempt.lost": event("What became of the call could not be found out.", "reason"),
  "attempt.not_placed": event("The provider knows of no call: none was made.", "reason"),
  "attempt.stop_accepted": event("The provider took the request to stop the call.", "reason"),
  "attempt.stop_requested": event("The provider is asked to stop a call that did not ring in time.", "reason"),
  "attempt.unknown": event("No answer of the provider is on record: the call is looked up.", "reason"),
  "call.reported": event("The provider reported on a call. `stop_vocabulary`: its transcript was searched by that version.", "status", "disposition", "final", "stop_vocabulary"), // prettier-ignore
  "campaign.created": event("A campaign was made, as a draft.", "purpose"),
  "campaign.launched": event("A campaign was launched, with so many leads.", "enrolled"),
  "campaign.leads_enrolled": event("Further leads entered its queue.", "enrolled"),
  "campaign.paused": event("A campaign was paused."),
  "campaign.resumed": event("A campaign goes on."),
  "campaign.updated": event("A campaign was changed.", ...moved),
  "connection.created": event("A provider was connected.", "vendor"),
  "connection.deleted": event("A provider was disconnected, its credential destroyed.", "campaigns_paused"),
  "connection.updated": event("A connection's limits were changed.", ...moved),
  "consent.granted": event("A person's consent was recorded.", "attempts_cancelled", "enrolments_closed"),
  "consent.kept": event("A known lead brought further evidence, which was kept.", "offered", "accepted", "evidence_kept"),
  "consent.lifted": event("A stop of a person was lifted.", "attempts_cancelled", "enrolments_closed"),
  "consent.relationship_recorded": event("A relationship with a person was recorded.", "attempts_cancelled", "enrolments_closed"),
  "consent.revoked": event("A person revoked their consent.", "attempts_cancelled", "enrolments_closed"),
  "credential.new_network": event("A key or token issuer is used from where it was not before.", "networks"),
  "credential.unusual_rate": event("A key or token issuer is used at ten times its usual rate.", "networks"),
  customer_data_accessed: event(
    "Data of people who are called was read; an entry for each page. Of a list it holds the page that was asked for (`limit`, `cursor` and `filters`, where they were sent; never an `external_id`, whose leads it names), and no rows.",
    "operation", "limit", "cursor", "filters", "count", "subjects",
  ), // prettier-ignore
  "decision.recorded": event("The gates decided on a lead.", "decision", "outcome", "reason_codes", "snapshot_digest", "verdict"),
  "dnc.acknowledged": event("Going without a do-not-call source was acknowledged.", "lists"),
  "halt.ended": event("A halt was ended."),
  "halt.started": event("Calls were halted.", "reason"),
  "import.chunk_applied": event("A part of a file was taken in.", "import", "chunk", "rows", "accepted", "eligible", "rejected", "ineligible", "evidence_kept", "lead_ids_sha256"), // prettier-ignore
  "import.created": event("An import was begun.", "purpose", "basis"),
  "import.failed": event("An import cannot go on; what was taken in stays.", "import", "reason"),
  "import.file_stored": event("Its file arrived.", "bytes", "sha256"),
  "import.started": event("Its file is being read.", "import"),
  "import.succeeded": event("The last part of a file was taken in.", "import", "chunk", "rows", "accepted", "eligible", "rejected", "ineligible", "evidence_kept", "lead_ids_sha256"), // prettier-ignore
  "incident.closed": event("An incident was closed.", "code", "incident", "reason", "reason_sha256"),
  "incident.opened": event("An incident was opened; `halt` is what it halted.", "code", "severity", "incident", "halt", "reason"),
  "invitation.accepted": event("An invitation was accepted; `had` is the role held before.", "role", "had"),
  "invitation.created": event(
    "Somebody was invited, in the place of those that `replaces` names; each has its own entry of its end.",
    "role",
    "replaces",
  ),
  "invitation.revoked": event("An invitation was revoked. `why`: by what else than a request for it.", "why"),
  "lead.batch_admitted": event("Leads whose consent passes by now became eligible.", "admitted", "lead_ids_sha256"),
  "lead.batch_created": event(
    "Several leads were sent at once; `offered` counts those that could be read.",
    "offered",
    "accepted",
    "evidence_kept",
    "lead_ids_sha256",
  ),
  "lead.corrected": event("A lead was corrected; the values are the person's, and stand nowhere here.", "changed", "enrolments_moved"), // prettier-ignore
  "lead.created": event("One lead was sent.", "offered", "accepted", "evidence_kept", "lead_ids_sha256"),
  "member.added": event("A person became a member.", "role"),
  "member.left": event("A member left.", "role"),
  "member.removed": event("A member was removed.", "role"),
  "member.role_changed": event("A member's role was changed.", "from", "to"),
  "org.created": event("The organisation was made.", "livemode"),
  "org.ownership_transferred": event("Another member is owner in the place of `former`.", "former"),
  "org.updated": event("The organisation was changed.", ...moved),
  "policy.updated": event("What the organisation chose beyond the law was changed.", ...moved),
  "position.ended": event("A counsel's position was ended."),
  "position.recorded": event("A counsel's position on a rule was recorded.", "rule_id", "document_sha256", "until"),
  "scrub.recorded": event("Numbers were asked for at a do-not-call source.", "run", "numbers", "provider_ref", "response_digest"),
  "seller.created": event("A seller was entered."),
  "seller.updated": event("A seller was changed.", ...moved),
  "stop_check.judged": event("A person judged whether somebody had asked to be called no more.", "verdict", "judgement"),
  "stop_check.missed": event("A call's transcript never came: whether they asked for it is for a person to judge."),
  "stop_tool.received": event("The voice agent passed on a stop. `attributed` false: of a call that is not known yet.", "attributed"), // prettier-ignore
  "support.acted": event("An operator of the platform asked for something, and it was answered.", "operation"),
  "support.ended": event("A support grant was ended."),
  "support.opened": event("An operator let themselves in.", "role", "reason", "expires_at"),
  "support.refused": event("An operator was refused something.", "operation", "reason"),
  "suppression.created": event("A person is called no more.", "source", "by_org", "attempt", "attempts_cancelled", "enrolments_closed"), // prettier-ignore
  "test_clock.advance_requested": event("The test clock is to move.", "from", "to"),
  "test_clock.advanced": event("The test clock arrived.", "to"),
  "test_clock.failed": event("The test clock could not go on.", "at", "reason"),
  "test_clock.moved": event("The test clock moved on its way.", "to"),
  "token_issuer.created": event(
    "Who signs tokens was registered.",
    "issuer",
    "alg",
    "scopes",
    "subjects",
    "key_from",
    "expires_at",
  ),
  "token_issuer.keys_changed": event("Its key set brought other keys, by their ids.", "added", "removed"),
  "token_issuer.revoked": event("A token issuer was revoked. `why`: by what else than a request for it.", "why", "leaked"),
  "token_issuer.updated": event("A token issuer was changed. Of a secret it is said only that it was.", ...moved, "version"),
} as const;

export type AuditEventType = keyof typeof platformEvents | keyof typeof orgEvents;
type EventOf<Type extends AuditEventType> = Type extends keyof typeof platformEvents
  ? (typeof platformEvents)[Type]
  : Type extends keyof typeof orgEvents
    ? (typeof orgEvents)[Type]
    : never;
/** The names of a type's facts, or of all. */
export type AuditFact<Type extends AuditEventType = AuditEventType> = EventOf<Type>["facts"][number];

export const auditEvents: Readonly<Record<AuditEventType, AuditEvent>> = { ...platformEvents, ...orgEvents };
