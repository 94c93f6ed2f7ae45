import type { ContentfulStatusCode } from "hono/utils/http-status";

interface ProblemType {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly cause: string;
  readonly fix: string;
}

/**
 * Every problem that this API answers with (RFC 9457), why it arises and what its reader does: what `/errors/{type}` says.
 * The code is the contract; words may be improved.
 */
export const problemTypes = {
  malformed_json: {
    status: 400,
    title: "The body is not JSON",
    cause: "The body is not valid JSON (RFC 8259), or not UTF-8. Comments, trailing commas and two values are none.",
    fix: "Send one JSON object, encoded by a JSON library. Nothing was done.",
  },
  idempotency_key_missing: {
    status: 400,
    title: "This request needs an Idempotency-Key",
    cause: "The operation dials or imports, and doing it twice by accident would do harm.",
    fix: "Make a new key for each thing that you want done, as a UUID, keep it with your own record, and send it as the header Idempotency-Key; send the same one when you repeat: by the same API key or one of its rotations, by a token of the same issuer and `sub`, or as the same person. Another caller's equal key is another.",
  },
  unauthorized: {
    status: 401,
    title: "No valid credential",
    cause:
      "There is no session, or it has ended; or the Authorization header is missing or is not `Bearer dg_…`, the key is mistyped or cut (its checksum does not fit), or it is unknown here, expired or revoked; or a token is not what a registered issuer signs for this deployment.",
    fix: "Send `Authorization: Bearer KEY` with a key of this deployment. If the key is whole, have a new one made. For a token, compare it with what `GET /v1/token_issuers` shows. A person signs in again.",
  },
  webhook_refused: {
    status: 401,
    title: "The webhook's signature does not hold",
    cause: "The signature over the raw bytes is missing, too old, or was made with another secret than the connection has.",
    fix: "Compare the secret at the vendor with the connection's credential and the address with its `webhook_url`; see that nothing in between rewrites the body. Nothing of the event was kept; the vendor sends it again.",
  },
  cross_site: {
    status: 403,
    title: "This came from elsewhere than our own pages",
    cause:
      "Changes with a session's cookie, and signing in, are taken from this service's own pages alone. The browser says (Sec-Fetch-Site, or Origin where that is missing) that another site made it ask, or nothing says that it was ours.",
    fix: "Use this service's own pages. A program sends the header `Origin` with the service's own address, which the detail names; to change things without a cookie it sends an API key.",
  },
  sign_in_refused: {
    status: 403,
    title: "The sign-in was not accepted",
    cause:
      "Google or Microsoft did not prove who came, or not that the address is theirs; or the sign-in was begun in another browser, was used, or is older than ten minutes. `errors[0].code` says which.",
    fix: "Begin again on the sign-in page, or sign in by a link that is mailed to you. Nobody was signed in.",
  },
  people_only: {
    status: 403,
    title: "Only a person may do this",
    cause: "The request came with a key or a token, and what it asks for takes someone who is signed in.",
    fix: "Sign in, and ask again with the session.",
  },
  role_missing: {
    status: 403,
    title: "The role does not allow it",
    cause:
      "The person's role in the organisation is too low, or that of the person who answers for the key: the detail names the role that it takes. Or `errors[0].code` says what else it is, where a role would not help: `no_operator` or `owner_invited`.",
    fix: "Ask someone who has that role, or have yours changed; `GET /v1/me` lists what you may do. With `no_operator`, have a member of the organisation do it: no grant lets an operator. With `owner_invited`, revoke that invitation first, or ask an owner.",
  },
  second_factor_due: {
    status: 403,
    title: "Signing in is not finished",
    cause: "The person has a second factor and has not shown it in this session yet.",
    fix: "Show it on the page `/auth/second-factor`, or send a code to `POST /v1/me/second_factor/totp`, a recovery code to `POST /v1/me/second_factor/recovery_code`, or a passkey's answer to `POST /v1/me/second_factor/passkey` (its options: `/passkey/options` there).",
  },
  second_factor_missing: {
    status: 403,
    title: "This takes a second factor",
    cause: "Credentials, members and policy are touched only in a session that has shown one, from the country in which it did.",
    fix: "Set up a passkey or an authenticator on the page `/auth/factors`; or show the one that you have again, on `/auth/second-factor` or by `POST /v1/me/second_factor/totp`, `/recovery_code` or `/passkey`.",
  },
  factor_refused: {
    status: 403,
    title: "That does not hold",
    cause:
      "The code or the passkey's answer is wrong, was used before, is too old, or was made for another session, another person or another site. All of these are answered alike.",
    fix: "Wait for the next code and see that the device's clock is right; use another recovery code; ask for new options before the passkey is used again. A session ends after ten that did not hold.",
  },
  session_not_recent: {
    status: 403,
    title: "This takes a session that has just begun",
    cause: "A person's first second factor is added within fifteen minutes of signing in.",
    fix: "Sign out, sign in and add it at once.",
  },
  org_required: {
    status: 400,
    title: "Which organisation?",
    cause: "The person is a member of none or of several, and the request names none. The detail says which.",
    fix: "Send `Dialgate-Org: org_…`; `GET /v1/me` lists yours. Whoever is a member of none makes one (`POST /v1/orgs`), or has an owner or admin invite them.",
  },
  scope_missing: {
    status: 403,
    title: "The credential lacks a scope",
    cause: "The key or token is valid, and may not do this. The detail and the WWW-Authenticate header name the scope.",
    fix: "Use a key or token that has the scope, or have one made.",
  },
  not_found: {
    status: 404,
    title: "There is no such thing",
    cause:
      "The id is mistyped or of another kind, the thing is of another organisation or was never there, or there is no such path. All of these are answered alike.",
    fix: "Compare the id, its prefix and the key's organisation (GET /v1/account); take ids from the lists.",
  },
  method_not_allowed: {
    status: 405,
    title: "This path has no such method",
    cause: "The path exists, and takes other methods.",
    fix: "Use one of those that the Allow header names.",
  },
  conflict: {
    status: 409,
    title: "The state of things does not allow this",
    cause:
      "The request is well-formed, and what it is about is not in the state that it needs. `errors[0].code` says which rule it met, as `not_running` or `duplicate_in_org`.",
    fix: "Do what the detail says, or read the thing anew and decide again. The same request succeeds once the state allows it, with a new Idempotency-Key.",
  },
  dial_blocked: {
    status: 409,
    title: "No permit for this dial",
    cause:
      "At least one gate did not allow the call, or all did and no permit could be minted (`outcome`). The decision is recorded.",
    fix: "Read `decision.gates`: each refusal has a `fix` (what to do, and who) or a `next_eligible_at`. Ask again with a new Idempotency-Key after that.",
  },
  idempotency_key_in_flight: {
    status: 409,
    title: "The first request with this Idempotency-Key is still under way",
    cause: "The same key arrived twice, and the first has no answer yet.",
    fix: "Wait as long as Retry-After says and repeat with the same key: you get the first one's answer.",
  },
  idempotency_state_unknown: {
    status: 409,
    title: "The first request with this Idempotency-Key ended without a known result",
    cause: "The first request broke off; it may have been done, or not. Doing it again could do it twice.",
    fix: "Look up what it did, as by GET /v1/attempts with its `lead_id`. To do it again after that, use a new key.",
  },
  body_too_large: {
    status: 413,
    title: "The body is too large",
    cause: "A body has at most 64 KiB, a batch of leads 8 MiB, a lead file 100 MiB.",
    fix: "Send fewer things at once, or split the file.",
  },
  unsupported_media_type: {
    status: 415,
    title: "This content type is not read here",
    cause:
      "The Content-Type is not application/json, or for a lead file not text/csv; or it names another charset than UTF-8; or the body is compressed (Content-Encoding).",
    fix: "Send the body in UTF-8, not compressed, with the Content-Type that the operation reads.",
  },
  invalid_request: {
    status: 422,
    title: "The request is not valid",
    cause: "Fields are missing, unknown, of another type or out of range, or name something that is not there. Nothing was done.",
    fix: "Correct each field that `errors[].pointer` names as its `detail` says. The schemas are in GET /openapi.json.",
  },
  idempotency_key_invalid: {
    status: 422,
    title: "The Idempotency-Key is not valid",
    cause: "A key is 1 to 255 visible ASCII characters, without spaces.",
    fix: "Use a UUID, as made by any library.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "The Idempotency-Key was used for another request",
    cause:
      "The key was used within 24 hours with another path or another body, in the same organisation: those of each organisation are counted apart, and so are those of what is of none, such as `POST /v1/orgs`.",
    fix: "Use a new key for each thing to be done, and the very same body when you repeat one.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    cause:
      "A quota is used up: of the key, the user or the address, of attempts to sign in, or of invitations. The detail names which, as the RateLimit-Policy header does (`q` in any `w` seconds).",
    fix: "Wait as long as Retry-After says: the next request is served then, and what was refused meanwhile does not count. Nothing was done, and the same Idempotency-Key may be used. Spread requests by the RateLimit header (`r` may be sent now, more in `t` seconds), and send leads in batches.",
  },
  internal_error: {
    status: 500,
    title: "Something broke here",
    cause: "A fault of the service. It was reported under the Request-Id, without any value of the request.",
    fix: "Name the Request-Id to the operator. Where the detail says that nothing was done, repeat with the same Idempotency-Key; where nobody knows, look it up first, and use a new key to do it again.",
  },
  database_unavailable: {
    status: 503,
    title: "The database does not answer",
    cause: "The database is out of reach or busy, or rolled the transaction back.",
    fix: "Wait as long as Retry-After says. Where the detail says that nothing was done, repeat with the same Idempotency-Key; where nobody knows, look it up first, as by GET /v1/attempts with its `lead_id`, and use a new key to do it again.",
  },
  sign_in_unavailable: {
    status: 503,
    title: "Google or Microsoft cannot be asked",
    cause:
      "The provider of the account does not answer, or does not accept this service as it is set up. `errors[0].code` says which.",
    fix: "Begin again after a while, or sign in by a link that is mailed to you. Nobody was signed in.",
  },
  limits_unavailable: {
    status: 503,
    title: "Attempts to sign in cannot be counted",
    cause: "The counter of attempts is out of reach or slow. An attempt that is not counted could be repeated without end.",
    fix: "Wait as long as Retry-After says and try again. Nothing was done. API keys and open sessions are not affected.",
  },
  platform_halted: {
    status: 503,
    title: "The platform is halted",
    cause:
      "A key by which numbers are looked up is lost: who asked for calls to end could not be found, so that no number is taken and nobody is dialed.",
    fix: "The platform's operator restores the key. Repeat after that, as the detail says.",
  },
  unsafe_database_role: {
    status: 503,
    title: "The database role could read past the walls between organisations",
    cause:
      "The worker is connected as the database's owner, a superuser or a role made in a console, which row-level security does not bind.",
    fix: "The operator sets DATABASE_URL to the role dialgate_app. Nothing is served until then.",
  },
} as const satisfies Record<string, ProblemType>;
export type ProblemCode = keyof typeof problemTypes;
