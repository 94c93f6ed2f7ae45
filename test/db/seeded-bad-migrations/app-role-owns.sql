-- expects: app_role_owns
set local role postgres;
create schema bad authorization dialgate_app;
