import type { Statement } from "../transport.ts";

export interface PersonRow {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly created_at: string;
}
export const personById = (userId: string): Statement => ({
  name: "users.by_id",
  text: "select u.id, u.email, u.name, app.rfc3339(u.created_at) as created_at from users u where u.id = $1",
  params: [userId],
});

export interface OrgOfPersonRow {
  readonly org_id: string;
  readonly role: string;
  readonly name: string;
  readonly livemode: boolean;
}
export const orgsOfPerson = (userId: string, orgsMax: number): Statement => ({
  name: "door.user_orgs",
  text: "select org_id, role, name, livemode from door.user_orgs($1, $2)",
  params: [userId, orgsMax],
});
