-- Which server runs a change that goes on without its caller: host name and process id, as in jobsctl_servers.
alter table jobsctl_detached add column if not exists server text;
