import { z } from "@hono/zod-openapi";
import { type AddressFault, readEmailAddress } from "../lib/email-address.ts";
import { type IdKind, idPrefixes, publicId, uuidOf } from "../lib/ids.ts";
import { linePattern, linesPattern, linesWords, lineWords } from "../lib/plain-text.ts";
import type { FieldFault } from "./problem.ts";

/** For a check of a schema of ours: its code and its words. */
export const coded = (code: FieldFault["code"], message: string) => ({ message, params: { code } });

/** No row has it: an id that is malformed, or of another kind, takes the same way as one that names nothing. */
const noUuid = "00000000-0000-0000-0000-000000000000";
export const idOf = (kind: IdKind, text: string): string => uuidOf(kind, text) ?? noUuid;

const exampleUuid = "019a9b2c-7d00-7000-8000-000000000001";
export const idField = (kind: IdKind) =>
  z.string().openapi({ example: publicId(kind, exampleUuid), description: `\`${idPrefixes[kind]}_…\`` });
/** In a body or a query: what is no id of its kind is told with its pointer. */
export const givenId = (kind: IdKind) =>
  z
    .string()
    .max(64)
    .refine((text) => uuidOf(kind, text) !== null, coded("id_invalid", `An id of the form ${idPrefixes[kind]}_… is needed.`))
    .openapi({ example: publicId(kind, exampleUuid), pattern: `^${idPrefixes[kind]}_[0-9a-z]{26}$` });
export const idParam = (kind: IdKind) =>
  z.object({ id: z.string().openapi({ param: { name: "id", in: "path" }, example: publicId(kind, exampleUuid) }) });

export const instantField = z.string().openapi({ format: "date-time", example: "2026-11-18T15:00:00Z" });
export const givenInstant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, {
    abort: true,
    message: "An instant in UTC with whole seconds is needed, such as 2026-11-18T15:00:00Z.",
  })
  .refine(
    // Postgres knows no year 0 (datetime.c): 1 BC is written otherwise, and nothing here is that old.
    (text) =>
      text >= "0001" && !Number.isNaN(Date.parse(text)) && new Date(Date.parse(text)).toISOString().startsWith(text.slice(0, 19)),
    coded("instant_invalid", "There is no such instant."),
  )
  .openapi({ format: "date-time", example: "2026-11-18T15:00:00Z", description: "RFC 3339 in UTC, whole seconds." });

/** When a credential ends. */
export const givenEnd = givenInstant.nullable().default(null).openapi({
  description:
    "RFC 3339 in UTC, whole seconds, by the real clock. What a key makes ends no later than the key: a later end is refused (`expires_too_late`). Null or left out: when that key runs out; where it does not, never. It goes on when the key is revoked.",
});

/** A name, or text on one line, as people write it: trimmed, not empty. */
export const line = (charactersMax: number) =>
  z.string().trim().min(1, { abort: true }).max(charactersMax).regex(linePattern, lineWords);
/** Text as people write it, of several lines if they like: trimmed, not empty. */
export const lines = (charactersMax: number) =>
  z.string().trim().min(1, { abort: true }).max(charactersMax).regex(linesPattern, linesWords);
export const e164Field = z
  .string()
  .regex(/^\+[1-9]\d{7,14}$/, "A number in E.164 form is needed, such as +13035550142.")
  .openapi({ example: "+13035550142", description: "E.164." });

const addressWords: Readonly<Record<AddressFault, string>> = {
  not_one_at: "An address of mail is needed, with one @, such as ada@example.com.",
  too_long: "At most 64 characters before the @, and 254 in all.",
  local_part: "Before the @ stand letters without accents, digits, dots between them and !#$%&'*+/=?^_`{|}~-.",
  domain: "Behind the @ stands the name of a domain, such as example.com.",
};
/** An address of mail, in any spelling; read as its normal form. */
export const emailField = z
  .string()
  .max(320)
  .superRefine((given, c) => {
    const address = readEmailAddress(given);
    if (!address.ok) c.addIssue({ code: "custom", ...coded("email_invalid", addressWords[address.refusal]) });
  })
  .overwrite((given) => {
    const address = readEmailAddress(given);
    return address.ok ? address.value : given;
  })
  .openapi({ format: "email", example: "ada@example.com" });
