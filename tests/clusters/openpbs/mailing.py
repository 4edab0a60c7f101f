"""Mail of jobs: what the program would be handed that sends it goes to the file $STAND_IN_MAIL."""

# mypy: ignore-errors

import os


def tell(server, job, letter, text):
    """Send a mail if the job wants one of this kind."""
    path = os.environ.get("STAND_IN_MAIL")
    if path is None or letter not in job["mail"] or job.get("parent"):
        return
    listed = "".join(f"{user} " for user in (job["mail_users"] or "").split(",") if user)
    users = listed or f"{job['user']}@{server['server']}"
    head = f"ARGS: -f adm {users}\nTo: {users}\nSubject: PBS JOB {job['id']}\n\n"
    with open(path, "a") as file:
        file.write(f"{head}PBS Job Id: {job['id']}\nJob Name:   {job['name']}\n{text}\n-----\n")


def tell_end(server, job):
    """Send what is told of an end."""
    from openpbs import attributes

    if job.get("late"):
        reason = "Aborted by PBS Server \nJob exceeded resource walltime\nSee job standard error file"
        tell(server, job, "a", reason)
    elif not job.get("deleted"):
        used = [f"{name}={value}" for name, value in attributes.used(job)]
        tell(server, job, "e", "\n".join(["Execution terminated", f"Exit_status={job['code']}", *used]))
