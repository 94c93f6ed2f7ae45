import type { Role } from "../access/operations.ts";

/**
 * Whether someone of the role `actor` may make of a member with the role `from` one with the role `to`. Null is outside: a
 * newcomer, or whoever is removed. An admin manages everyone but owners and makes none, so that nobody raises themselves.
 */
export function mayChange(actor: Role, from: Role | null, to: Role | null): boolean {
  if (actor === "owner") return true;
  return actor === "admin" && from !== "owner" && to !== "owner";
}
