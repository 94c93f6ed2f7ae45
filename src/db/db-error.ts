/**
 * What leaves the database folder when a statement fails. No message, detail, parameter or cause of the driver's:
 * each can carry a bound value (22P02's message does) or, for owners, whole rows.
 */
export class DbError extends Error {
  override readonly name = "DbError";
  readonly sqlstate: string | null;
  readonly constraint: string | null;
  readonly table: string | null;
  readonly statement: string;

  constructor(fault: { sqlstate: string | null; constraint: string | null; table: string | null; statement: string }) {
    super(`database statement ${fault.statement} failed with ${fault.sqlstate ?? "no answer"}`);
    this.sqlstate = fault.sqlstate;
    this.constraint = fault.constraint;
    this.table = fault.table;
    this.statement = fault.statement;
  }

  /**
   * Whether the transaction is known to have left nothing behind: it never began, or its error rolled it back. Not known
   * where the connection, the server's resources or the server itself gave way (08, 53, 57, 58, XX), or nobody answered.
   */
  get isUndone(): boolean {
    if (this.statement === "connect") return true;
    return this.sqlstate !== null && !/^(08|53|57|58|XX|40003)/.test(this.sqlstate);
  }
}

/** Reads the few fields that hold no values from whatever the driver threw. */
export function dbErrorOf(thrown: unknown, statement: string): DbError {
  const fields = typeof thrown === "object" && thrown !== null ? (thrown as Record<string, unknown>) : {};
  const text = (key: string) => (typeof fields[key] === "string" && fields[key] !== "" ? fields[key] : null);
  const sqlstate = text("code");
  return new DbError({
    sqlstate: sqlstate !== null && /^[0-9A-Z]{5}$/.test(sqlstate) ? sqlstate : null,
    constraint: text("constraint"),
    table: text("table"),
    statement,
  });
}
