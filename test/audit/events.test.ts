/** The table of audit events, held to what writes entries. What stands on the chains of all tests is held to it when they close. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { auditEvents } from "../../src/lib/audit-events.ts";
import { faultsOf } from "../support/told-events.ts";

const root = new URL("../..", import.meta.url);
const textsOf = (folder: string, end: string) =>
  readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(end) && !name.endsWith("audit-events.ts"))
    .map((name) => readFileSync(new URL(`${folder}/${name}`, root), "utf8"));
const types = Object.keys(auditEvents);

/** Literals that a migration appends, or lets be appended. */
function typesOfMigrations(): string[] {
  const lines = textsOf("migrations", ".sql").flatMap((text) => text.split("\n"));
  const appended = lines.filter((line) => /append/.test(line) || /array_agg\('/.test(line)).flatMap((line) => [...line.matchAll(/'([a-z_]+\.[a-z_]+)'/g)]); // prettier-ignore
  const states = lines.flatMap((line) => [...line.matchAll(/new_state := '([a-z_]+)'/g)]).map(([, state]) => `attempt.${state}`);
  return [...new Set([...appended.map(([, type = ""]) => type), ...states])].filter((type) => !/^(audit|app)\./.test(type));
}

test("every type that the migrations append is in the table; those of the code do not compile otherwise", () => {
  const appended = typesOfMigrations();
  expect(appended.length).toBeGreaterThan(15);
  expect(appended.filter((type) => !types.includes(type))).toEqual([]);
});

test("every type in the table is appended somewhere", () => {
  const source = textsOf("src", ".ts").join("\n");
  const templates = [...source.matchAll(/action: `([^`]+)`/g)].map(
    ([, text = ""]) => new RegExp(`^${text.replaceAll(".", "\\.").replaceAll(/\$\{[^}]*\}/g, "[a-z_]+")}$`),
  );
  expect(templates.length).toBeGreaterThan(2);
  const appended = new Set(typesOfMigrations());
  const isWritten = (type: string) =>
    source.includes(`"${type}"`) || appended.has(type) || templates.some((template) => template.test(type));
  expect(types.filter((type) => !isWritten(type))).toEqual([]);
  expect(types.length).toBeGreaterThan(100);
});

test("each type and fact is spelled as the API spells, and each type has its sentence", () => {
  for (const [type, { says, facts }] of Object.entries(auditEvents)) {
    expect(type).toMatch(/^[a-z][a-z_]*(\.[a-z_]+)?$/);
    expect(says, type).toMatch(/^[A-Z`].*\.$/);
    for (const fact of facts) expect(fact, type).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(new Set(facts).size, type).toBe(facts.length);
  }
});

test("an entry of another type, with another fact, or in another spelling is found", () => {
  const said = (event_type: string, facts: object, org_id = "1") =>
    faultsOf({ org_id, event_type, subject_text: "x", facts_text: JSON.stringify(facts) });
  expect(said("seller.updated", { changed: ["trade_names"], from: { trade_names: [] }, to: { trade_names: ["A"] } })).toEqual([]); // prettier-ignore
  expect(said("seller.painted", {})).toHaveLength(1);
  expect(said("seller.updated", { fields: ["san"] })).toHaveLength(1);
  expect(said("seller.updated", { changed: ["tradeNames"] })).toHaveLength(1);
  expect(said("seller.updated", { to: { tradeNames: [] } })).toHaveLength(1);
  const by = (type: string, id: string) => said("seller.created", { actor: { type, id } });
  const [key, user] = ["key_01k6dj4yz8f1vr6vwnxbmd0h2z", "user_01k6dj4yz8f1vr6vwnxbmd0h2z"];
  expect([by("api_key", key), by("user", user), by("job", "dial")]).toEqual([[], [], []]);
  expect(by("system", key)).toEqual(["seller.created: the table of actors has no type system"]);
  expect(by("api_key", user)).toHaveLength(1);
  expect(said("user.created", { method: "link" })).toHaveLength(1);
  expect(said("user.created", { method: "link" }, "00000000-0000-0000-0000-000000000000")).toEqual([]);
});
