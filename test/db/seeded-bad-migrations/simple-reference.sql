-- expects: reference_without_org
create table bad_parent (org_id uuid not null, id uuid not null, primary key (org_id, id), unique (id, org_id));
alter table bad_parent enable row level security; alter table bad_parent force row level security;
create policy bad_parent_org on bad_parent using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid)) with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
comment on column bad_parent.org_id is 'system'; comment on column bad_parent.id is 'system';
create table bad (org_id uuid not null, id uuid not null, note uuid, parent_org uuid, primary key (org_id, id),
  foreign key (note, parent_org) references bad_parent (id, org_id));
alter table bad enable row level security; alter table bad force row level security;
create policy bad_org on bad using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid)) with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
comment on column bad.parent_org is 'system';
comment on column bad.org_id is 'system'; comment on column bad.id is 'system'; comment on column bad.note is 'org';
