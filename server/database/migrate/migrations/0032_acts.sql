-- Acts of operators and admins are records of job_operations, too: their kinds have a dot, such as token.revoked. A freeze refuses
-- changes of many jobs, and no act: a token can be revoked, and the act that ends the freeze has its record.
do $$
begin
  drop trigger if exists jobsctl_frozen_begin on job_operations;
  execute 'create trigger jobsctl_frozen_begin before insert on job_operations
    for each row when (position(''.'' in new.kind) = 0) execute function jobsctl_refuse_frozen()';
exception when insufficient_privilege or undefined_function then
  raise notice 'this role does not own job_operations, or there is no trigger of a freeze';
end
$$;
