import { fromUUID, getType, toUUID } from "typeid-js";

/** Public ids are TypeIDs: the row's time-ordered uuid behind a prefix that says what it is. */
export const idPrefixes = {
  org: "org",
  user: "user",
  session: "ses",
  invitation: "inv",
  supportGrant: "sgr",
  tokenIssuer: "iss",
  passkey: "pky",
  identity: "idn",
  lead: "lead",
  person: "pers",
  seller: "sell",
  connection: "conn",
  campaign: "camp",
  import: "imp",
  consentEvent: "cons",
  suppression: "supp",
  judgement: "judg",
  scrub: "scrub",
  decision: "dec",
  attempt: "att",
  call: "call",
  apiKey: "key",
  halt: "halt",
  incident: "inc",
  acknowledgement: "ack",
  position: "pos",
  request: "req",
  event: "evt",
} as const;
export type IdKind = keyof typeof idPrefixes;

/** "lead_01k…" for a row's uuid. */
export function publicId(kind: IdKind, uuid: string): string {
  return fromUUID(uuid, idPrefixes[kind]).toString();
}

/**
 * The row's uuid, or null when the text is no id of this kind. A row has one id: 26 letters hold two bits more than a uuid, which
 * the decoder drops, and an alias in a path would stand on the chain as somebody else.
 */
export function uuidOf(kind: IdKind, text: string): string | null {
  try {
    const typeid = text as ReturnType<typeof fromUUID>;
    if (getType(typeid) !== idPrefixes[kind]) return null;
    const uuid = toUUID(typeid);
    return publicId(kind, uuid) === text ? uuid : null;
  } catch {
    return null;
  }
}
