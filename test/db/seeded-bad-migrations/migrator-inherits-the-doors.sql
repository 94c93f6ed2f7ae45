-- expects: role_passes_walls
set local role postgres;
grant dialgate_door to dialgate_migrator with inherit true, set true;
