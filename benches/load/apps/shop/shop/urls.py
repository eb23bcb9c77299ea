"""The addresses of the shop."""

from django.urls import path

from shop import views

urlpatterns = [path("", views.items), path("stock/", views.stock)]
