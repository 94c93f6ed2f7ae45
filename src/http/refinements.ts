import type { KeyRefusal } from "../domain/token-issuers/judge-key.ts";
import type { SignInRefusal } from "../domain/sign-in/oidc/finish-sign-in.ts";
import type { IssueCode } from "../lib/issue-words.ts";
import type { PhoneRefusal } from "../lib/phone.ts";
import type { WebhookRefusal } from "../providers/voice/contract.ts";
import type { ProblemCode } from "./problem-types.ts";

/** What `errors[].code` says where the problem's own code is the one above it. Codes are the contract; words may be improved. */
const conflict = {
  already_advancing: "The test clock is on its way: wait until it is `ready`.",
  already_exists: "There is such a thing already.",
  already_member: "Someone who signs in by this address is a member: change their role instead.",
  already_owner: "That member is an owner.",
  calls_in_progress: "Calls of the connection are under way, which only its credential can stop.",
  campaign_ended: "The campaign has ended.",
  campaign_runs: "A running campaign keeps its connection: pause it first.",
  changed_meanwhile: "The token issuer was changed at the same time: read it anew and ask again.",
  connection_not_active: "The campaign's connection is not active, or cannot be reached as it is configured.",
  duplicate_in_org: "There is a lead with this number; `lead_id` names it.",
  file_present: "The import has its file.",
  import_not_read: "The file has not been read to its end, so that there is no list of rejected rows yet.",
  incident_closed: "The incident is closed.",
  issuer_ended: "The token issuer has expired or is revoked: register a new one.",
  key_ended: "The API key has expired or is revoked: make a new one.",
  key_rotated: "The API key has a successor already, which `detail` names: rotate that one, or make a new key.",
  last_owner: "An organisation keeps an owner: hand ownership on first.",
  live_not_open: "This build makes test organisations only: it lacks gates or rule packs.",
  member_disabled: "That member's account is disabled, and is given no higher role.",
  not_a_draft: "Only a draft can be launched.",
  not_launched: "A draft has no queue yet: launch it.",
  not_paused: "Only a paused campaign can be resumed.",
  not_running: "Only a running campaign can be paused.",
  scope_not_held: "Whoever asks lacks scopes of the key whose successor they would see; `detail` names them.",
  scrub_wanted: "What a do-not-call source held up opens only after a list has been answered since.",
  stop_check_clear: "No call of this person waits for a person's judgement.",
  stop_check_pending: "The call is still being searched for a stop: `clear` may be said a day after its end.",
  too_many: "There are as many of them as there may be, which `detail` says: remove or revoke one first.",
  too_many_orgs: "Whoever owns so many organisations makes no more: hand one on.",
  totp_exists: "There is an authenticator app: remove it first.",
  totp_not_started: "No authenticator app waits for its first code: start with `POST /v1/me/totp`.",
  transcripts_withheld:
    "The voice provider withholds transcripts, by which calls are searched for a stop: switch their storage on there.",
};

/** Of a key for token issuers. */
const ofKeys = {
  address_refused: "`jwks_url` is no public https address on the usual port, or has a query or user-info.",
  answer_refused: "`jwks_url` answered with another status than 200.",
  answer_too_large: "`jwks_url` answered with more than a key set has.",
  key_malformed: "The key or secret is not of the form that its algorithm has.",
  key_of_another_type: "The issuer's algorithm takes another kind of key.",
  key_private: "A private key was given: whoever has seen it can sign.",
  key_too_small: "The RSA key or the secret is too short.",
  key_wanted: "None of `public_key`, `jwks_url` and `secret` is given.",
  key_weak: "The key can be guessed or forged.",
  no_key_set: "`jwks_url` answered with no JSON Web Key Set.",
  no_usable_key: "No key of the set has a `kid` and fits the algorithm.",
  one_key_wanted: "More than one of `public_key`, `jwks_url` and `secret` is given.",
  redirected: "`jwks_url` answered with a redirect.",
  timeout: "`jwks_url` did not answer in time.",
  unreachable: "`jwks_url` could not be reached.",
} satisfies Record<Exclude<KeyRefusal["code"], "required">, string>;
const ofPhones = {
  phone_invalid: "There is no such number.",
  phone_not_geographic: "The number belongs to no place (toll-free, premium and the like): no calling hours can be told.",
  phone_not_us: "The number is of another country than the United States and their territories.",
} satisfies Record<PhoneRefusal, string>;
const ofSchemas = {
  invalid: "The value is not of the form that the detail names.",
  required: "The field is missing.",
  too_large: "The number, text or list is larger than the detail allows.",
  too_small: "The number, text or list is smaller than the detail allows.",
  unknown_value: "The value is none of those that the detail lists.",
  wrong_type: "The value is of another type than the detail names.",
} satisfies Record<IssueCode, string>;

const invalidRequest = {
  ...ofSchemas,
  ...ofPhones,
  ...ofKeys,
  campaign_unknown: "There is no such campaign.",
  code_invalid: "The code to sign in is mistyped, was used, has ended, or is of another browser's link.",
  connection_not_voice: "The connection is none over which calls are made.",
  connection_unknown: "There is no such connection.",
  cursor_invalid: "The cursor is no `next_cursor` of this list.",
  date_invalid: "The date cannot be read.",
  email_invalid: "That is no address of mail.",
  expires_in_past: "The end has passed, by the real clock.",
  expires_too_late: "The end is later than that of the key that asks; `detail` names the latest.",
  file_empty: "The file holds nothing.",
  file_incomplete: "The body did not have the announced length.",
  given_twice: "A parameter of the address, or a member of the body, is given more than once.",
  id_invalid: "The id is not of the form, or not of the kind, that is needed.",
  import_unknown: "There is no such import.",
  instant_invalid: "There is no such instant.",
  lead_unknown: "There is no such lead.",
  length_required: "An upload says its length in `Content-Length`.",
  line_type_list: "A list of line types names nobody who asked not to be called.",
  link_invalid: "The link to sign in was used, has ended, or another one was asked for since.",
  not_later: "The test clock only goes forward.",
  number_too_large: "No number of this size is read.",
  one_of: "One of two fields is needed, and not both.",
  one_of_two: "Both of two fields are given, of which at most one may be.",
  position_in_future: "The date of counsel's document has not come.",
  position_too_long: "Counsel's position lasts longer than a year from its date.",
  rule_not_liftable: "No position lifts this rule.",
  scope_not_held: "Whoever asks lacks scopes that they would give, by this field; `detail` names them.",
  seller_unknown: "There is no such seller.",
  target_unknown: "What is to be halted is not there.",
  text_invalid: "A text holds U+0000 or half of a surrogate pair.",
  too_deep: "The body is nested too deep.",
  too_far: "A test clock moves at most 400 days at once.",
  type_unknown: "No type of audit entry begins so.",
  unknown_field: "The field, or the parameter of the address, is not known here.",
  window_empty: "A window's end does not come after its beginning.",
};

const roleMissing = {
  no_operator: "An operator of the platform asks for what would outlast their grant: a member of the organisation does it.",
  owner_invited:
    "The address has an open invitation to be an owner: an owner replaces it, or whoever may invite revokes it first.",
};
const signInUnavailable = {
  provider_misconfigured: "The provider does not accept this service as it is registered there.",
  provider_unavailable: "The provider does not answer.",
};
const signInRefused = {
  account_disabled: "The account is closed.",
  address_unusable: "The account has an address of mail that this service does not read.",
  address_unverified: "The provider does not vouch for the address.",
  cancelled: "The sign-in was ended at the provider.",
  flow_unknown: "The sign-in was begun in another browser, was used, or is older than ten minutes.",
  identity_removed: "Its person took this account away.",
  provider_refused: "The provider did not finish the sign-in.",
  token_invalid: "What the provider sent does not prove who came.",
} satisfies Record<Exclude<SignInRefusal, keyof typeof signInUnavailable>, string>;

const webhookRefused = {
  body_malformed: "The body is signed, and cannot be read as the vendor's event.",
  credential_unavailable: "The connection's credential, which signatures are compared with, is gone or does not open.",
  signature_malformed: "The signature cannot be read.",
  signature_missing: "There is no signature.",
  signature_wrong: "The signature was made with another secret, or over other bytes.",
  timestamp_out_of_range: "The signature is too old, or of the future.",
} satisfies Record<WebhookRefusal, string>;

export const refinements = {
  sign_in_refused: signInRefused,
  factor_refused: { factor_refused: "The code or the passkey's answer does not hold; `pointer` says which was sent." },
  conflict,
  invalid_request: invalidRequest,
  rate_limited: {
    invitation_address:
      "So many invitations were sent to the address, from whatever organisation, and not accepted. Revoked and replaced ones count too: revoking does not help.",
    invitation_inviter:
      "The person who asks has sent so many invitations, in all of their organisations, that were not accepted. Revoked and replaced ones count too: revoking does not help.",
    invitation_org: "The organisation has sent so many invitations. Accepted, revoked and replaced ones count too.",
  },
  role_missing: roleMissing,
  sign_in_unavailable: signInUnavailable,
  webhook_refused: webhookRefused,
} satisfies Partial<Record<ProblemCode, Readonly<Record<string, string>>>>;

type Refinements = typeof refinements;
export type RefinementOf<Code extends keyof Refinements> = Extract<keyof Refinements[Code], string>;
export type Refinement = { [Code in keyof Refinements]: RefinementOf<Code> }[keyof Refinements];

/** In the order of their codes; none where a problem's own code says all. */
export function refinementsOf(code: ProblemCode): readonly { readonly code: string; readonly cause: string }[] {
  const known: Partial<Record<ProblemCode, Readonly<Record<string, string>>>> = refinements;
  return Object.entries(known[code] ?? {})
    .map(([one, cause]) => ({ code: one, cause }))
    .toSorted((a, b) => (a.code < b.code ? -1 : 1));
}
