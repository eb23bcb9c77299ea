SERVICE = "shop"
