from catalog import image_urls

urlpatterns: list = [*image_urls.urlpatterns]
