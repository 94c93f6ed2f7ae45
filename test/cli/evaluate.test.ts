import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { main } from "../../cli/dialgate.ts";

const options = ["evaluate", "--pack", "us-federal", "--gate", "calling_hours"];

async function* each(lines: readonly string[]) {
  for (const line of lines) yield line;
}
async function run(args: readonly string[], lines: readonly string[] = []) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    lines: each(lines),
    bytes: (async function* () {})(),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
  });
  return { code, out: out.map((line) => JSON.parse(line) as Record<string, unknown>), err };
}
const good = JSON.stringify({ id: "a", lead: { state: "NY" }, at: "2027-01-13T18:00:00Z" });

describe("evaluate", () => {
  interface Case {
    readonly id: string;
    readonly pack: string;
    readonly requires?: readonly string[];
    readonly technology: string;
    readonly lead: unknown;
    readonly at: string;
    readonly expected: string;
    readonly reason: string;
    readonly next_eligible_at?: string;
  }
  const { cases } = JSON.parse(readFileSync("test/data/calling-hours-cases.json", "utf8")) as { cases: Case[] };
  const federal = cases.filter((one) => one.pack === "us-federal" && one.requires === undefined);

  test("answers every written case, through a process of its own", () => {
    const input = federal.map(({ id, technology, lead, at }) => JSON.stringify({ id, technology, lead, at })).join("\r\n");
    const done = spawnSync(process.execPath, ["cli/dialgate.ts", ...options], { input, encoding: "utf8" });
    expect([done.status, done.stderr]).toEqual([0, ""]);
    const answers = done.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers.length).toBe(federal.length);
    const wanted = federal.map((one, index) => ({
      id: one.id,
      verdict: one.expected,
      reason_code: one.reason,
      // Some deferrals leave their instant out on purpose.
      next_eligible_at: one.expected === "defer" ? (one.next_eligible_at ?? answers[index]?.["next_eligible_at"]) : null,
    }));
    expect(answers).toEqual(wanted);
    expect(Object.keys(answers[0] ?? {})).toEqual(["id", "verdict", "reason_code", "next_eligible_at"]);
  });
  test("the machine's zone plays no part", () => {
    const input = federal.map((one) => JSON.stringify(one)).join("\n");
    const [here, there] = ["UTC", "Asia/Kolkata"].map((TZ) =>
      spawnSync(process.execPath, ["cli/dialgate.ts", ...options], { input, encoding: "utf8", env: { ...process.env, TZ } }),
    );
    expect(there?.stdout).toBe(here?.stdout);
  });
  test("a member that a case does not have is named once, and the case is answered", async () => {
    const lead = { state: "NY", timezone: "America/New_York" };
    const line = JSON.stringify({ id: "a", lead, at: "2027-01-13T18:00:00Z", purpose: "informational" });
    const { code, out, err } = await run(options, [line, line]);
    expect([code, out.length]).toEqual([0, 2]);
    expect(err).toEqual(["dialgate evaluate: not read, because a case has no such member: purpose, lead.timezone"]);
  });
  test("technology may be absent, an instant may carry an offset, blank lines are nothing", async () => {
    const offset = JSON.stringify({ id: "b", lead: { state: "NY" }, at: "2027-01-13T13:00:00-05:00" });
    expect(await run(options, [good, "", offset])).toMatchObject({
      code: 0,
      out: [
        { id: "a", verdict: "allow" },
        { id: "b", verdict: "allow" },
      ],
      err: [],
    });
  });
  test("a case's id comes back as it was given, a number as a number", async () => {
    const ids = [7, "7", 0, -1.5, ""];
    const { out } = await run(
      options,
      ids.map((id) => JSON.stringify({ ...JSON.parse(good), id })),
    );
    expect(out.map(({ id }) => id)).toEqual(ids);
  });
  test.each([
    ["not JSON", "{", "not JSON"],
    ["no object", "7", "the line: Expected: an object."],
    ["no lead", JSON.stringify({ id: "x", at: "2027-01-13T18:00:00Z" }), "lead: Required: an object."],
    ["no id", JSON.stringify({ lead: { state: "NY" }, at: "2027-01-13T18:00:00Z" }), "id: Required: a text or a number."],
    [
      "no instant",
      JSON.stringify({ id: "x", lead: { state: "NY" }, at: "tomorrow" }),
      "at: An RFC 3339 instant with its zone is needed",
    ],
    [
      "an instant without zone",
      JSON.stringify({ id: "x", lead: { state: "NY" }, at: "2027-01-13T18:00:00" }),
      "at: An RFC 3339 instant with its zone is needed",
    ],
    [
      "another technology",
      JSON.stringify({ id: "x", technology: "fax", lead: { state: "NY" }, at: "2027-01-13T18:00:00Z" }),
      "technology: Known here: artificial, live.",
    ],
    [
      "a phone that is no E.164",
      JSON.stringify({ id: "x", lead: { state: "NY", phone: "(212) 555-0123" }, at: "2027-01-13T18:00:00Z" }),
      "lead.phone: A number in E.164 form is needed",
    ],
    ["the end of all clocks", JSON.stringify({ id: "x", lead: { state: "NY" }, at: "9999-12-31T23:59:59Z" }), "gate_failed"],
    ["an offset beyond it", JSON.stringify({ id: "x", lead: { state: "NY" }, at: "9999-12-31T23:59:59-12:00" }), "gate_failed"],
    ["an endless line", `{"id":"${"x".repeat(200_000)}"}`, "longer than"],
  ])("%s is named with its line, without its value, and the others are still answered", async (_name, bad, says) => {
    const { code, out, err } = await run(options, [bad, good]);
    expect(code).toBe(1);
    expect(out).toEqual([{ id: "a", verdict: "allow", reason_code: "inside_window", next_eligible_at: null }]);
    expect(err[0]).toMatch(/^line 1: /);
    expect(err[0]).toContain(says);
    expect(err.join("\n")).not.toMatch(/212|tomorrow|fax|xxx/);
    expect(err.join("\n"), "no library's words").not.toMatch(/Invalid |received|expected /);
  });
  test.each([
    [[]],
    [["--pack", "us-state", "--gate", "calling_hours"]],
    [["--pack", "us-federal", "--gate", "consent"]],
    [["--pock", "us-federal"]],
    [["--pack"]],
  ])("options %j are refused with the usage", async (args) => {
    const { code, out, err } = await run(["evaluate", ...args], [good]);
    expect([code, out]).toEqual([2, []]);
    expect(err.at(-1)).toContain("usage: dialgate evaluate");
  });
});

describe("the entry", () => {
  test("names its commands", async () => {
    expect(await run(["fly"])).toMatchObject({ code: 2 });
    expect((await run(["fly"])).err.join("\n")).toContain("evaluate --pack");
    expect((await run([])).code).toBe(2);
  });
});
