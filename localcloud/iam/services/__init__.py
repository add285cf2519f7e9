"""What each service's operations need: actions, resources and condition keys. One module per service."""
