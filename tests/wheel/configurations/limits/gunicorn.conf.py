limit_request_line = 1000
limit_request_fields = 20
limit_request_field_size = 500
