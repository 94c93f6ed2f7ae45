import type { LineType, NumberFacts } from "../../gates/snapshot.ts";
import { type PhoneMemo, readPhone } from "../../lib/phone.ts";
import type { LeadFacts } from "./gather-facts.ts";

/** The numbering library's data version: recorded, because its answer is a fact of the decision. */
const library = "libphonenumber-js/max 1.13.16";

/** What the numbering library and the scrubs say of a lead's number; the gate itself needs neither. */
export function numberFacts(lead: Pick<LeadFacts, "e164" | "scrubs" | "protected_line">, phones: PhoneMemo): NumberFacts {
  const reading = readPhone(lead.e164, phones);
  return {
    e164: lead.e164,
    library,
    valid: reading.ok || reading.code !== "phone_invalid",
    country: reading.ok ? reading.country : null,
    geographic: reading.ok || reading.code !== "phone_not_geographic",
    line_type: lineType(lead.scrubs),
    protected: lead.protected_line,
    // No reassigned-numbers connection can be made in this build, so none is connected.
    reassigned: { connected: false, checks: [] },
  };
}

function lineType(scrubs: LeadFacts["scrubs"]): LineType {
  const wireless = scrubs.find((row) => row.kind === "line_type" && row.list === "wireless");
  if (wireless === undefined || wireless.result === "unknown") return "unknown";
  return wireless.result === "listed" ? "mobile" : "landline";
}
