/** `node dev/render-audit-events.ts`: writes what each type of audit entry says into docs/audit-events.md. A test says when it is due. */
import { writeFileSync } from "node:fs";
import { type ActorType, auditActors, idOfActor } from "../src/lib/audit-actors.ts";
import { type AuditEvent, orgEvents, platformEvents } from "../src/lib/audit-events.ts";

export const auditEventsPage = new URL("../docs/audit-events.md", import.meta.url);

const intro = `# Audit events

What each \`type\` of [the audit chain](audit.md) says, and the names of its facts, as \`src/lib/audit-events.ts\` has them: the code writes no other, and a test holds what the migrations append to the same list. \`GET /openapi.json\` has it as \`x-events\` of \`AuditEntry.type\`. Further types and facts may be added; none is taken away, because entries are for good.

Beside its own facts an entry has \`actor\` ([who acts](#who-acts)) and \`request_id\`. What the database appends by itself, such as a permit that ran out, has neither. A fact that is not known stands there as \`null\`, or not at all. \`subject\` is the public id of what the entry is about; of reads and of what an operator asked for it may be the operation's id.

An entry of a change (\`….updated\`) names in \`changed\` the fields that were given, as the API spells them, and in \`from\` and \`to\` their values before and after. A secret stands there by its name alone, and so does every field of a lead: its values are the person's.`;

function section(title: string, about: string, events: Readonly<Record<string, AuditEvent>>): string {
  const rows = Object.entries(events).map(
    ([type, { says, facts }]) => `| \`${type}\` | ${says} | ${facts.map((fact) => `\`${fact}\``).join(", ")} |`,
  );
  return [`## ${title}`, "", about, "", "| type | what it says | facts |", "|---|---|---|", ...rows.toSorted()].join("\n");
}

function actors(): string {
  const rows = Object.entries(auditActors).map(
    ([type, { says }]) => `| \`${type}\` | ${says} | ${idOfActor(type as ActorType)} |`,
  );
  const about =
    "`actor.type` is one of these, as `src/lib/audit-actors.ts` has them, and `actor.id` what stands beside it. An operator has `grant` (`sgr_…`) too, a token `subject`.";
  return ["## Who acts", "", about, "", "| type | who it is | id |", "|---|---|---|", ...rows].join("\n");
}

export const renderAuditEvents = (): string =>
  `${[
    intro,
    actors(),
    section("Of an organisation", "On its own chain, `GET /v1/audit`.", orgEvents),
    section(
      "Of the platform",
      "What concerns no organisation: people's sign-ins, sessions and factors. On the platform's own chain, which no route answers ([how it is read](audit.md#the-platforms-own-chain)).",
      platformEvents,
    ),
  ].join("\n\n")}\n`;

if (import.meta.main) writeFileSync(auditEventsPage, renderAuditEvents());
