/**
 * Wall one as a rule of reading SQL: each look at a tenant table says `alias.org_id = (select app.org())` of its alias, in a
 * condition of its own query that nothing beside it can pass by. No parser of SQL: words and parentheses, and where in doubt
 * it is a fault.
 */
const phrase = "= ( select app.org ( ) )".split(" ");
/** Ends the list of what a query looks at. Within such a clause a comma brings no further table. */
const clauses = new Set([
  "select",
  "where",
  "on",
  "group",
  "order",
  "having",
  "limit",
  "set",
  "returning",
  "values",
  "window",
  "for",
]);
const queries = new Set(["union", "except", "intersect", ";"]);
const notAliases = new Set([
  ...clauses, ...queries, "join", "left", "right", "full", "inner", "cross", "natural", "tablesample", "using", "when", "from", "default", "not", "overriding",
]); // prettier-ignore

/** Before a condition, and behind it: what stands beside anything else may be made into another truth (`is not null`, `coalesce`). */
const beforeCondition = new Set(["where", "on", "and", "or", "not", "("]);
const behindCondition = new Set([
  ...clauses, ...queries, "", "and", "or", ")", ",", "join", "left", "right", "full", "inner", "cross", "natural", "offset", "fetch", "from", "when", "then", "do",
]); // prettier-ignore

interface Use {
  readonly alias: string;
  tags: number;
}
/** One query: what it looks at, and whose conditions hold it. */
interface Scope {
  readonly parent: Scope | null;
  readonly uses: Use[];
}
/** What stands between two parentheses, or in none. */
interface Level {
  scope: Scope;
  readonly parent: Level | null;
  clause: string;
  /** One of the clause: a condition beside an `or`, or under a `not`, need not hold. */
  condition: { escapable: boolean };
  looksAt: boolean;
  wantsTable: boolean;
  readonly negated: boolean;
  /** Whether what stands in these parentheses is a condition by itself: no argument of a function, and nothing is asked of it. */
  readonly isCondition: boolean;
  /** The last join, and what its query looked at before: an outer one keeps rows that its ON refuses. */
  join: { readonly kind: string; readonly usesBefore: number };
}
interface Tag {
  readonly alias: string;
  readonly scope: Scope;
  readonly isNegated: boolean;
  /** Where it stands, from within. */
  readonly on: readonly Level[];
}

const wordsOf = (body: string): string[] =>
  body
    // Whichever begins first: a quotation mark in a comment opens no text, and two hyphens in a text no comment.
    .replace(/--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'/gi, (found) =>
      found.endsWith("'") ? "''" : " ",
    )
    .toLowerCase()
    .replaceAll(/"([a-z_]\w*)"/g, "$1")
    .match(/[a-z_]\w*(?: ?\. ?[a-z_]\w*)*|\$\d+|\d+|''|[(),;]|[^\s\w(),;']+/g) ?? [];

/** The aliases of tenant tables that are looked at without their tag. Exported for its own test. */
export function untaggedIn(body: string, tenant: ReadonlySet<string>): string[] {
  const words = wordsOf(body).map((word) => word.replaceAll(" ", ""));
  // A name of WITH hides no table: were it called as one is, the look within it would pass for a look at itself.
  const isTenant = (name: string) => tenant.has(name.includes(".") ? name : `public.${name}`);
  const { scopes, tags, inserts } = read(words, isTenant);
  for (const tag of tags) credit(tag);
  const untagged = scopes.flatMap(({ uses }) => uses).filter((use) => use.tags === 0);
  const bare = new Map<string, number>();
  for (const alias of [...untagged.map((use) => use.alias), ...inserts]) bare.set(alias, (bare.get(alias) ?? 0) + 1);
  return [...bare].map(([alias, count]) => `${alias} (${count} uses)`);
}

function read(words: readonly string[], isTenant: (name: string) => boolean) {
  const scopes: Scope[] = [];
  const [tags, inserts]: [Tag[], string[]] = [[], []];
  const newScope = (parent: Scope | null): Scope => {
    const scope = { parent, uses: [] };
    scopes.push(scope);
    return scope;
  };
  const newLevel = (scope: Scope, parent: Level | null, more: Partial<Level> = {}): Level =>
    ({ scope, parent, clause: "", condition: { escapable: false }, looksAt: false, wantsTable: false, negated: false, isCondition: true, join: { kind: "inner", usesBefore: 0 }, ...more });
  let level = newLevel(newScope(null), null);
  const begin = (clause: string) => Object.assign(level, { clause, condition: { escapable: false } });
  const look = (name: string, alias: string) => {
    if (isTenant(name)) level.scope.uses.push({ alias, tags: 0 });
  };
  for (let at = 0; at < words.length; at += 1) {
    const [before = "", word = "", next = ""] = [words[at - 1], words[at], words[at + 1]];
    if (word === "(") {
      // A join in parentheses is of the query that they stand in.
      const isJoin = level.wantsTable && !["select", "with", "values", "table"].includes(next);
      level = newLevel(isJoin ? level.scope : newScope(level.scope), level, { looksAt: isJoin, wantsTable: isJoin, negated: before === "not", isCondition: beforeCondition.has(before) && behindCondition.has(words[closing(words, at) + 1] ?? ""), clause: isJoin ? "from" : "" });
    } else if (word === ")") {
      level = level.parent ?? level;
      level.wantsTable = false;
    } else if (queries.has(word)) {
      level.scope = newScope(level.scope.parent);
      Object.assign(level, { looksAt: false, wantsTable: false });
      begin("");
    } else if ((word === "from" && before !== "distinct") || word === "using" || word === "join") {
      Object.assign(level, { looksAt: true, wantsTable: true });
      if (word === "join") level.join = { kind: before === "outer" ? (words[at - 2] ?? "") : before, usesBefore: level.scope.uses.length };
      begin("from");
    } else if (word === "update" && !["for", "key", "do", "or"].includes(before)) {
      Object.assign(level, { looksAt: false, wantsTable: true });
    } else if (word === "into" && before === "merge") {
      level.wantsTable = true;
    } else if (word === "into" && before === "insert") {
      if (isTenant(next) && !updatesOwn(words, at, next)) inserts.push(aliasAt(words, at + 1));
    } else if (word === "table" && !["create", "alter", "drop", "lock", "returns", "truncate"].includes(before)) {
      look(next, next.split(".").at(-1) ?? next);
    } else if (["copy", "truncate", "lock"].includes(word) && ["", ";"].includes(before)) {
      const named = (next === "table" ? words[at + 2] : next) ?? "";
      look(named, named.split(".").at(-1) ?? named);
    } else if (word === "," && level.looksAt) {
      level.wantsTable = true;
    } else if (clauses.has(word)) {
      if (word !== "on" || next === "conflict") level.looksAt = false;
      level.wantsTable = false;
      begin(word);
    } else if (word === "or") {
      level.condition.escapable = true;
    } else if (level.wantsTable && !["only", "lateral"].includes(word)) {
      level.wantsTable = false;
      if (next !== "(") look(word, aliasAt(words, at));
    } else if (word.endsWith(".org_id") && phrase.every((part, more) => words[at + 1 + more] === part)) {
      tags.push({ alias: word.slice(0, -".org_id".length), scope: level.scope, isNegated: before === "not" || !beforeCondition.has(before) || !behindCondition.has(words[at + 1 + phrase.length] ?? ""), on: levelsOf(level) });
    }
  }
  return { scopes, tags, inserts };
} // prettier-ignore

/** Where the parenthesis that opens here closes. */
function closing(words: readonly string[], from: number): number {
  for (let at = from, depth = 0; at < words.length; at += 1) {
    if (words[at] === "(") depth += 1;
    else if (words[at] === ")" && --depth === 0) return at;
  }
  return words.length;
}

function aliasAt(words: readonly string[], at: number): string {
  const table = words[at] ?? "";
  const next = words[at + 1] ?? "";
  if (next === "as") return words[at + 2] ?? "";
  return /^[a-z_]\w*$/.test(next) && !notAliases.has(next) ? next : (table.split(".").at(-1) ?? table);
}

/** An INSERT names its org as a value, which WITH CHECK holds; what it finds there already must be the org's too. */
function updatesOwn(words: readonly string[], at: number, table: string): boolean {
  const conflict = words.indexOf("conflict", at);
  const update = words.findIndex((word, index) => index > conflict && word === "update" && words[index - 1] === "do");
  const another = words.findIndex((word, index) => index > at && word === "insert");
  if (conflict < 0 || update < 0 || (another > 0 && another < conflict)) return true;
  if (words[conflict + 1] === "(" && words.slice(conflict, words.indexOf(")", conflict)).includes("org_id")) return true;
  const tag = [`${aliasAt(words, at + 1)}.org_id`, ...phrase].join(" ");
  const rest = words.slice(update).join(" ");
  return table !== "" && rest.includes(`where ${tag}`) && !/\bor\b/.test(rest);
}

function levelsOf(from: Level): Tag["on"] {
  const levels: Level[] = [];
  for (let level: Level | null = from; level !== null; level = level.parent) levels.push({ ...level });
  return levels;
}

/** A tag counts for the nearest look under its alias, where all that stands between the two must hold. */
function credit({ alias, scope, isNegated, on }: Tag): void {
  for (let holder: Scope | null = scope; holder !== null; holder = holder.parent) {
    const uses = holder.uses.filter((use) => use.alias === alias);
    if (uses.length === 0) continue;
    const last = on.findIndex((level) => level.scope === holder);
    const inner = on.slice(0, last);
    const holds = !isNegated && inner.every(({ negated, isCondition }) => !negated && isCondition) && on.slice(0, last + 1).every(({ condition }) => !condition.escapable);
    const at = on[last];
    if (holds && at !== undefined && ["where", "on"].includes(at.clause))
      for (const use of uses) if (at.clause === "where" || filters(at.join, holder.uses.indexOf(use))) use.tags += 1;
    return;
  }
} // prettier-ignore

/** Whether the ON of a join keeps out the rows of what stands there. */
function filters({ kind, usesBefore }: Level["join"], use: number): boolean {
  if (kind === "full") return false;
  return kind === "left" ? use >= usesBefore : kind === "right" ? use < usesBefore : true;
}
