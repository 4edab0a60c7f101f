"""A hub whose users' servers are jobs: jupyterhub's configuration. Node.js, which its proxy needs, is left out."""

import os

import batchspawner  # it also adds the handler to which servers report their port
from jupyterhub.proxy import Proxy

folder = os.getcwd()
c = get_config()  # noqa: F821 - jupyterhub's


class Routes(Proxy):
    """Keeps the routes that a proxy would have: the test goes to the servers themselves."""

    should_start = False

    def __init__(self, **more):
        super().__init__(**more)
        self.routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes


c.JupyterHub.proxy_class = Routes
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = int(os.environ["HUB_PORT"])
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie"
c.JupyterHub.services = [{"name": "test", "api_token": os.environ["HUB_TOKEN"]}]
scopes = ["admin:users", "admin:servers", "access:servers", "list:users"]
c.JupyterHub.load_roles = [{"name": "test", "scopes": scopes, "services": ["test"]}]

c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
c.BatchSpawnerBase.exec_prefix = ""  # not sudo: the hub's user is the one whose jobs are submitted
c.Spawner.env_keep = ["PATH", "MINI_SLURM_FLEET", "MINI_SLURM_STATE"]  # without PATH sbatch would be sh's own choice
script = batchspawner.SlurmSpawner.batch_script.default_value
c.SlurmSpawner.batch_script = script.replace("{{homedir}}", folder)  # nothing is written into the real home
c.SlurmSpawner.req_partition = "main"
c.SlurmSpawner.req_runtime = "10:00"
c.SlurmSpawner.req_prologue = f"test ! -e {folder}/broken || exit 5"
c.SlurmSpawner.req_memory = "1G"
places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
c.Spawner.environment = {name: f"{folder}/{name.lower()}" for name in places}
c.Spawner.args = ["--allow-root"]
c.Spawner.start_timeout = 100
c.Spawner.http_timeout = 100
c.Spawner.poll_interval = 1
