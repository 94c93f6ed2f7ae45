-- expects: key_without_org
create table bad (org_id uuid not null, id uuid primary key, note text);
alter table bad enable row level security; alter table bad force row level security;
create policy bad_org on bad using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid)) with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
comment on column bad.org_id is 'system'; comment on column bad.id is 'system'; comment on column bad.note is 'org';
