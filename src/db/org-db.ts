import type { SQL } from "drizzle-orm";
import type { AnyPgColumn, PgTable } from "drizzle-orm/pg-core";
import type { ActorType } from "../lib/audit-actors.ts";
import type { AuditEventType, AuditFact } from "../lib/audit-events.ts";
import { canonicalJson } from "../lib/canonical-json.ts";
import type { Instant } from "../lib/instant.ts";
import { DbError } from "./db-error.ts";
import { builder, type ListOptions, OrgWriter, type Row, selectRows } from "./org-writer.ts";
import { rowsOf, type Answer, type Statement, type Transport } from "./transport.ts";

export type { OrgWriter } from "./org-writer.ts";

/** Any table with an `orgId` column is tenant data. There is no list to forget to extend. */
export type OrgTable = PgTable & { readonly orgId: AnyPgColumn };

/** Who acts. Stands in every audit entry. */
export interface Actor {
  readonly type: ActorType;
  readonly id: string;
  /** An operator's: the support grant that let them in. */
  readonly grant?: string;
  /** A token's: whom it is for, where its issuer's record names them; else a keyed hash of that. */
  readonly subject?: string;
}

/** What binding answered: the org and its clock, at the database, in the same transaction as the work. */
export interface Bound {
  readonly orgId: string;
  /** A whole second of the org's clock (real, or the test org's own). */
  readonly now: Instant;
  readonly livemode: boolean;
  readonly orgName: string | null;
  /** A machine's credential has scopes, a person has a role. */
  readonly scopes: readonly string[] | null;
  readonly role: string | null;
  /** The person who acts, or who answers for the key that does. */
  readonly sponsorId: string | null;
  /** When the session showed a second factor. */
  readonly factorAt: Instant | null;
  /** A test org's clock is on its way: whoever moves it applies what arrives. */
  readonly clockMoving: boolean;
}

/** What binding saw of the credential itself, whether or not it let it do what it was sent for. */
export interface Noticed {
  /** The session is used from another country, and its person is to be told of it. */
  readonly elsewhere: boolean;
  /** The session waits for a second factor. */
  readonly factorDue: boolean;
  /** The session is to go on under another token. */
  readonly rotationDue: boolean;
  /** A machine's credential is used from where it was not before, and nobody was told yet. */
  readonly newNetwork: boolean;
}

/** How a handle becomes bound: a statement that is sent first in every transaction, and a judge of its answer. */
export interface Binding {
  readonly statement: Statement;
  /**
   * In its place in transactions that go on, where `statement` writes something of its own: then that is sent by itself before
   * the first of them, and the rows that it wrote wait for nobody.
   */
  readonly again?: Statement;
  readonly actor: Actor;
  readonly requestId: string;
  /** Written in the same request as the first thing that is read: that it was. */
  readonly noted?: readonly AuditEntry[];
  /** Throws when the principal may not do this; nothing read in the same batch has left by then. */
  admit(bound: Bound | null, refusal: string | null): Bound;
}

/** From one org into another, within the transaction that has proved who asks: a statement that binds to it, or to none. */
export interface Door {
  readonly statement: Statement;
  /** As whom; without it as who asks. */
  readonly actor?: Actor;
}

/** Facts of audit entries, by the names that the table of events has. They hold no person's data. */
export type AuditFacts = Readonly<Partial<Record<AuditFact, unknown>>>;
/** The audit entry of a change, of a type that `lib/audit-events.ts` describes; `subject` is the thing's public id. */
export interface AuditEntry {
  readonly action: AuditEventType;
  readonly subject: string;
  readonly facts?: AuditFacts;
}

const accessed = "customer_data_accessed";
const isAccess = ({ action }: AuditEntry): boolean => action === accessed;

type Work<R> = (writer: OrgWriter) => Promise<R>;

/**
 * The only way to tenant rows. Minted by `OrgDb.bind` for bind-org, queue consumers and the webhook inbox; holding one
 * proves that an org is named in every transaction it opens, which row-level security then enforces again.
 */
export class OrgDb {
  readonly #transport: Transport;
  readonly #binding: Binding;
  readonly #newId: () => string;
  #mayHaveChanged = false;
  #lastBound: Bound | null = null;
  #noticed: Noticed = { elsewhere: false, factorDue: false, rotationDue: false, newNetwork: false };
  #toNote: readonly AuditEntry[];
  #access: AuditEntry | null;

  private constructor(transport: Transport, binding: Binding, newId: () => string) {
    this.#transport = transport;
    this.#binding = binding;
    this.#newId = newId;
    this.#toNote = binding.noted ?? [];
    this.#access = this.#toNote.find(isAccess) ?? null;
  }

  static bind(transport: Transport, binding: Binding, newId: () => string): OrgDb {
    return new OrgDb(transport, binding, newId);
  }

  get actor(): Actor {
    return this.#binding.actor;
  }
  /**
   * Whether something that was asked through this handle has changed the org, or may have. Beside the changes themselves,
   * functions in `app` count, whose statements bear their names; bookkeeping that no audit entry speaks of does not.
   */
  get mayHaveChanged(): boolean {
    return this.#mayHaveChanged;
  }
  /** What the last binding answered; null before the first. */
  get lastBound(): Bound | null {
    return this.#lastBound;
  }
  /** What any binding saw of the credential: also where the request was refused. */
  get noticed(): Noticed {
    return this.#noticed;
  }
  /** A new time-ordered uuid. */
  newId(): string {
    return this.#newId();
  }

  /** Only binds: who am I, and what time is it for this org. One request. */
  async bound(): Promise<Bound> {
    return (await this.#batch([])).bound;
  }

  /** Statements of db/queries, in one request and one transaction, after the binding. */
  async query(...statements: readonly Statement[]): Promise<{ readonly bound: Bound; readonly answers: readonly Answer[] }> {
    return this.#batch(statements);
  }

  /**
   * Whose data is asked for, where the path does not say: public ids of leads or persons, never a number. Said before they
   * are read, so that the note that is written with the read names them; one of several names the first hundred.
   * @param operation of a change that shows someone's data only as it turns out: nothing of it is noted otherwise. Said within the
   *   change, the note commits with it, or before its answer when it came to nothing.
   */
  about(ids: readonly string[], operation?: string): void {
    const said = this.#toNote.find(isAccess);
    if (said === undefined && operation === undefined) return;
    const entry = said ?? ({ action: accessed, subject: operation ?? "", facts: { operation } } as const);
    const [one, ...others] = ids;
    const isOne = one !== undefined && others.length === 0;
    const several = { ...entry.facts, count: ids.length, subjects: ids.slice(0, 100) };
    this.noteAgain(isOne ? { ...entry, subject: one } : { ...entry, facts: several });
  }
  /** Which page of a list is read, by what has been looked at and found to be one: its rows stand nowhere else, and are found again by it. */
  ofPage(facts: Readonly<Record<string, unknown>>): void {
    const said = this.#toNote.find(isAccess);
    if (said !== undefined) this.noteAgain({ ...said, facts: { ...said.facts, ...facts } });
  }
  /** Whose data the request has shown, as it is noted; null where no such note is taken. */
  get access(): AuditEntry | null {
    return this.#access;
  }
  /** The same data is shown as when that was noted. */
  noteAgain(access: AuditEntry): void {
    this.#access = access;
    this.#toNote = [access, ...this.#toNote.filter((entry) => !isAccess(entry))];
  }

  /**
   * Notes what has not been noted with a read: of what was read before, and is answered again.
   * @param shown false: nobody's data was read.
   */
  async noteRead({ shown = true } = {}): Promise<void> {
    if (!shown) this.#toNote = this.#toNote.filter((entry) => !isAccess(entry));
    if (this.#toNote.length > 0) await this.#batch([{ name: "note", text: "select 1", params: [] }]);
  }

  /** One hand-written statement's rows. One request. */
  async rows<R>(statement: Statement): Promise<R[]> {
    return rowsOf<R>(first((await this.#batch([statement])).answers));
  }

  /** Rows of one table. One request. */
  async find<T extends OrgTable>(table: T, where: SQL | undefined, options: ListOptions): Promise<Row<T>[]> {
    const run = async (statement: Statement) => first((await this.#batch([statement])).answers);
    return selectRows(builder(run, `find`), table, where, options);
  }

  async findOne<T extends OrgTable>(table: T, where: SQL): Promise<Row<T> | null> {
    return (await this.find(table, where, { limit: 1 }))[0] ?? null;
  }

  /**
   * The only way to write: a transaction that ends with the audit entry, so that both commit or neither does.
   * While it is open its writer is the request's only way to the database. Throw to roll back.
   */
  async change<R>(entry: AuditEntry, work: Work<R>): Promise<R> {
    return (await this.#change(null, entry, work)) as R;
  }

  /** The same in another org, on whose chain its entry stands. Null when the door answers nothing. */
  async changeBeyond<R>(door: Door, entry: AuditEntry, work: Work<R>): Promise<R | null> {
    return this.#change(door, entry, work);
  }

  async #change<R>(door: Door | null, entry: AuditEntry, work: Work<R>): Promise<R | null> {
    let nothing: { readonly result: R | null } | undefined;
    const binding = await this.#toGoOn();
    try {
      const done = await this.#transport.transaction(async (run) => {
        const own = this.#admit(await run(binding));
        const bound = door === null ? own : boundOf(await run(door.statement));
        const entries: AuditEntry[] = [entry];
        const result = bound === null ? null : await work(new OrgWriter(run, bound, this.#newId, entries));
        if (bound === null || entries.length === 0) {
          nothing = { result };
          throw new Error("what no audit entry speaks of is rolled back");
        }
        const noted = door === null ? [...this.#toNote, ...entries] : entries;
        for (const append of appendStatements(noted, { ...this.#binding, ...door })) await run(append);
        return result;
      });
      this.#mayHaveChanged = true;
      if (door === null) this.#toNote = [];
      return done;
    } catch (thrown) {
      this.#noteFailure(thrown);
      if (nothing === undefined) throw thrown;
      await this.noteRead();
      return nothing.result;
    }
  }

  /** What binds a transaction that changes something, once what binding itself writes has committed. */
  async #toGoOn(): Promise<Statement> {
    const { statement, again } = this.#binding;
    if (again !== undefined && this.#lastBound === null) await this.bound();
    return again ?? statement;
  }

  #noteFailure(thrown: unknown): void {
    if (thrown instanceof DbError && !thrown.isUndone) this.#mayHaveChanged = true;
  }

  /** A change whose whole work is one statement or SQL function: one request, audit entry included. */
  async changeInOneRequest(
    entries: readonly AuditEntry[],
    ...statements: readonly Statement[]
  ): Promise<{ bound: Bound; answers: readonly Answer[] }> {
    const { bound, answers } = await this.#batch([...statements, appendStatement(entries, this.#binding)], true);
    return { bound, answers: answers.slice(0, -1) };
  }

  async #batch(
    statements: readonly Statement[],
    changes = statements.some(({ name }) => name.startsWith("app.")),
  ): Promise<{ bound: Bound; answers: readonly Answer[] }> {
    const reads = statements.some(({ bookkeeping }) => bookkeeping !== true);
    const notes = reads ? appendStatements(this.#toNote, this.#binding) : [];
    const bind = changes ? await this.#toGoOn() : this.#binding.statement;
    const [binding, ...answers] = await this.#transport.batch([bind, ...statements, ...notes]).catch((thrown: unknown) => {
      if (changes) this.#noteFailure(thrown);
      return this.#refusedOr(thrown);
    });
    if (changes) this.#mayHaveChanged = true;
    if (notes.length > 0) this.#toNote = [];
    return { bound: this.#admit(binding), answers: answers.slice(0, statements.length) };
  }

  /** Who is refused is bound to no org, and then a write fails before the binding's answer is seen: it is asked alone. */
  async #refusedOr(thrown: unknown): Promise<never> {
    if (thrown instanceof DbError && thrown.sqlstate === "42501")
      this.#admit((await this.#transport.batch([this.#binding.statement]))[0]);
    throw thrown;
  }

  #admit(answer: Answer | undefined): Bound {
    const [row = {}] = answer === undefined ? [] : rowsOf<Record<string, unknown>>(answer);
    const { elsewhere, factorDue, rotationDue, newNetwork } = this.#noticed;
    this.#noticed = {
      elsewhere: elsewhere || row["country_changed"] === true,
      factorDue: factorDue || row["factor_due"] === true || row["refusal"] === "factor_due",
      rotationDue: rotationDue || row["rotation_due"] === true,
      newNetwork: newNetwork || row["from_new_network"] === true,
    };
    return (this.#lastBound = this.#binding.admit(boundOf(answer), (row["refusal"] as string | null | undefined) ?? null));
  }
}

function boundOf(answer: Answer | undefined): Bound | null {
  const [row] = answer === undefined ? [] : rowsOf<Record<string, unknown>>(answer);
  if (row === undefined) return null;
  return {
    orgId: row["org_id"] as string,
    now: row["now"] as Instant,
    livemode: row["livemode"] as boolean,
    orgName: (row["org_name"] as string | undefined) ?? null,
    scopes: (row["scopes"] as string[] | undefined) ?? null,
    role: (row["role"] as string | undefined) ?? null,
    sponsorId: (row["sponsor_id"] as string | undefined) ?? null,
    factorAt: (row["factor_at"] as Instant | undefined) ?? null,
    clockMoving: row["clock_moving"] === true,
  };
}

/** What `audit.append_many` takes at once. */
const appendedMax = 10_000;

function appendStatements(entries: readonly AuditEntry[], binding: Pick<Binding, "actor" | "requestId">): Statement[] {
  const parts = Array.from({ length: Math.ceil(entries.length / appendedMax) }, (_, part) =>
    entries.slice(part * appendedMax, (part + 1) * appendedMax),
  );
  return parts.map((part) => appendStatement(part, binding));
}

function appendStatement(entries: readonly AuditEntry[], binding: Pick<Binding, "actor" | "requestId">): Statement {
  return {
    name: "audit.append_many",
    text: "select audit.append_many($1::text[], $2::text[], $3::text[])",
    params: [
      entries.map((entry) => entry.action),
      entries.map((entry) => entry.subject),
      entries.map((entry) => canonicalJson({ ...entry.facts, actor: binding.actor, request_id: binding.requestId })),
    ],
  };
}

function first(answers: readonly Answer[]): Answer {
  const [answer] = answers;
  if (answer === undefined) throw new Error("a batch lost an answer");
  return answer;
}
