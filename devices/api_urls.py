from rest_framework.routers import SimpleRouter

from devices import api

router = SimpleRouter()
router.register("hosts", api.Hosts, basename="host")
router.register("devices", api.Devices, basename="device")
router.register("join-tokens", api.JoinTokens, basename="join-token")
urlpatterns = router.urls
