package nginx

import "github.com/anygate/anygate/import/report"

// needless are directives whose effect AnyGate has by itself, or that set what it has no use for: sizes of buffers, ways of
// using the kernel, caches of descriptors, logs of missing files.
var needless = set(
	// The process and its events.
	"worker_processes", "worker_cpu_affinity", "worker_priority", "worker_rlimit_nofile", "worker_shutdown_timeout", "worker_connections", "events", "pid",
	"daemon", "master_process", "multi_accept", "use", "accept_mutex", "pcre_jit", "lock_file", "timer_resolution", "thread_pool", "load_module", "working_directory",
	"debug_points", "env",
	// Sockets and connections.
	"sendfile", "sendfile_max_chunk", "tcp_nopush", "tcp_nodelay", "keepalive_requests", "keepalive_disable", "reset_timedout_connection", "lingering_close",
	"lingering_time", "lingering_timeout", "aio", "aio_write", "directio", "output_buffers", "postpone_output", "chunked_transfer_encoding",
	"client_body_buffer_size", "client_header_buffer_size", "client_body_temp_path", "client_body_in_file_only", "client_body_in_single_buffer",
	"connection_pool_size", "request_pool_size", "large_client_header_buffers", "keepalive_time", "http2", "http2_max_concurrent_streams", "http2_recv_buffer_size",
	"http2_chunk_size", "http2_body_preread_size", "http2_max_field_size", "http2_max_header_size", "http2_idle_timeout", "http2_max_requests", "http2_recv_timeout",
	"max_ranges", "subrequest_output_buffer_size", "read_ahead",
	// Hashes and caches of its own.
	"server_names_hash_bucket_size", "server_names_hash_max_size", "types_hash_max_size", "types_hash_bucket_size", "variables_hash_max_size",
	"variables_hash_bucket_size", "map_hash_bucket_size", "map_hash_max_size", "proxy_headers_hash_bucket_size", "proxy_headers_hash_max_size", "open_file_cache",
	"open_file_cache_valid", "open_file_cache_min_uses", "open_file_cache_errors", "open_log_file_cache",
	// Types of files are built in, and text is UTF-8.
	"types", "include", "charset", "charset_types", "source_charset", "override_charset",
	// Names in answers.
	"server_tokens", "server_name_in_redirect", "port_in_redirect", "absolute_redirect", "msie_padding", "msie_refresh", "merge_slashes", "etag",
	"if_modified_since", "ignore_invalid_headers", "underscores_in_headers", "recursive_error_pages", "log_not_found", "log_subrequest", "rewrite_log",
	"uninitialized_variable_warn", "allow_methods",
	// Coding: the level and the kinds of content are chosen.
	"gzip_comp_level", "gzip_min_length", "gzip_types", "gzip_vary", "gzip_proxied", "gzip_disable", "gzip_buffers", "gzip_http_version", "gunzip", "gunzip_buffers",
	"brotli", "brotli_comp_level", "brotli_types", "brotli_static", "brotli_min_length", "brotli_buffers", "brotli_window",
	// TLS: the profile of Mozilla, resumption and stapling are on.
	"ssl_prefer_server_ciphers", "ssl_session_cache", "ssl_session_timeout", "ssl_session_tickets", "ssl_session_ticket_key", "ssl_dhparam", "ssl_stapling",
	"ssl_stapling_verify", "ssl_stapling_file", "ssl_stapling_responder", "ssl_trusted_certificate", "ssl_buffer_size", "ssl_ecdh_curve", "ssl_conf_command",
	"ssl_verify_depth", "ssl_handshake_timeout",
	// The proxy streams, keeps connections alive, and speaks HTTP/1.1.
	"proxy_buffering", "proxy_buffers", "proxy_buffer_size", "proxy_busy_buffers_size", "proxy_request_buffering", "proxy_max_temp_file_size",
	"proxy_temp_file_write_size", "proxy_temp_path", "proxy_http_version", "proxy_socket_keepalive", "proxy_ignore_client_abort", "proxy_pass_header",
	"proxy_ssl_protocols", "proxy_ssl_ciphers", "proxy_ssl_session_reuse", "proxy_ssl_verify_depth", "proxy_ssl_server_name", "proxy_force_ranges", "proxy_ignore_headers",
	"grpc_buffer_size", "grpc_socket_keepalive", "grpc_ssl_server_name", "grpc_ssl_protocols", "grpc_ssl_ciphers", "grpc_ssl_session_reuse",
	"limit_req_log_level", "limit_conn_log_level", "resolver_timeout",
)

// known is a directive that is understood and not carried over, or not as it is.
type known struct {
	level   report.Level
	why, do string
}

var (
	noFastCGI  = known{report.Lost, "AnyGate speaks HTTP to what is behind it, not FastCGI, uwsgi or SCGI.", "Put a server that speaks HTTP before the program, and proxy to it."}
	noCache    = known{report.Lost, "Answers of upstreams are not cached.", "If the upstream needs it, keep a cache between the two."}
	noScript   = known{report.Lost, "AnyGate runs no scripts.", "Move what it does into the application."}
	noSub      = known{report.Lost, "Content is passed on as it is.", "Let the application write what is needed."}
	sameForAll = known{report.Lost, "Timeouts of clients are the same for all hosts.", "server: {timeouts: ...}"}
	// unknownGate is a directive of a module that decides who is let in.
	unknownGate = known{report.Lost, "Who is let in is not decided in this way.", "Let the application check, or use auth basic, auth bearer, auth header or mtls."}
	noLocal     = known{report.Lost, "This belongs to a location or server that is not carried over.", ""}
)

var catalogue = map[string]known{
	"fastcgi_pass": noFastCGI, "uwsgi_pass": noFastCGI, "scgi_pass": noFastCGI, "fastcgi_param": noFastCGI, "fastcgi_index": noFastCGI,
	"fastcgi_split_path_info": noFastCGI, "fastcgi_read_timeout": noFastCGI, "fastcgi_buffers": noFastCGI, "fastcgi_buffer_size": noFastCGI,
	"uwsgi_param": noFastCGI, "scgi_param": noFastCGI, "fastcgi_cache_path": noCache, "fastcgi_cache_key": noCache,
	"memcached_pass": {report.Lost, "AnyGate does not speak to memcached.", "Put a server that speaks HTTP before it."},
	"proxy_cache":    noCache, "proxy_cache_path": noCache, "proxy_cache_valid": noCache, "proxy_cache_key": noCache, "proxy_cache_use_stale": noCache,
	"proxy_cache_bypass": noCache, "proxy_no_cache": noCache, "proxy_cache_lock": noCache, "proxy_cache_lock_timeout": noCache, "proxy_cache_min_uses": noCache,
	"proxy_cache_methods": noCache, "proxy_cache_revalidate": noCache, "proxy_cache_background_update": noCache, "proxy_cache_lock_age": noCache,
	"proxy_cache_convert_head": noCache, "proxy_cache_max_range_offset": noCache, "proxy_cache_purge": noCache, "proxy_store": noCache,
	"sub_filter": noSub, "sub_filter_once": noSub, "sub_filter_types": noSub, "sub_filter_last_modified": noSub, "ssi": noSub, "addition_types": noSub,
	"add_before_body": noSub, "add_after_body": noSub, "image_filter": noSub, "xslt_stylesheet": noSub,
	"js_import": noScript, "js_content": noScript, "js_set": noScript, "perl": noScript, "perl_modules": noScript, "access_by_lua_block": noScript,
	"content_by_lua_block": noScript, "rewrite_by_lua_block": noScript, "header_filter_by_lua_block": noScript, "lua_package_path": noScript,
	"auth_request":               {report.Lost, "Requests are not shown to another server first.", "Let the application check, or use auth bearer, auth header or mtls."},
	"auth_request_set":           {report.Lost, "It belongs to auth_request.", ""},
	"auth_jwt":                   {report.Lost, "JSON Web Tokens are not verified.", "Let the application verify them, or use auth bearer with tokens of a file."},
	"auth_jwt_key_file":          {report.Lost, "It belongs to auth_jwt.", ""},
	"secure_link":                {report.Lost, "Links are not verified.", "Let the application verify them."},
	"secure_link_md5":            {report.Lost, "Links are not verified.", "Let the application verify them."},
	"valid_referers":             {report.Lost, "The Referer of requests is not looked at.", embedAdvice},
	"stub_status":                {report.Lost, "There is no page of this kind.", "admin: 127.0.0.1:9100 has /metrics, and anygate top shows them."},
	"mirror":                     {report.Lost, "Requests are not sent to a second server.", ""},
	"geo":                        {report.Lost, "Values that depend on the client's address have no counterpart.", "Use allow and deny on the routes that are meant."},
	"geoip2":                     {report.Lost, "Countries of clients are not known.", ""},
	"geoip_country":              {report.Lost, "Countries of clients are not known.", ""},
	"split_clients":              {report.Lost, "Clients are not split by a variable.", "Give the members of an upstream weights, and balance with hash."},
	"perl_set":                   noScript,
	"stream":                     {report.Lost, "AnyGate speaks HTTP only.", "Keep nginx, or use another program, for TCP and UDP."},
	"mail":                       {report.Lost, "AnyGate speaks HTTP only.", "Keep nginx for mail."},
	"satisfy":                    {report.Lost, "All policies have to be satisfied, not any of them.", "Decide for the address or the password."},
	"limit_rate":                 {report.Lost, "The rate of an answer is not bounded.", ""},
	"limit_rate_after":           {report.Lost, "The rate of an answer is not bounded.", ""},
	"dav_methods":                {report.Lost, "Files are served, not written.", "Put a WebDAV server behind it."},
	"random_index":               {report.Lost, "There is no random index.", ""},
	"flv":                        {report.Lost, "There is no pseudo-streaming; ranges serve players of today.", ""},
	"mp4":                        {report.Lost, "There is no pseudo-streaming; ranges serve players of today.", ""},
	"proxy_redirect":             {report.Lost, "The Location of an upstream's answer is passed on as it is.", "Let the upstream know its public name, by Host and X-Forwarded-Proto."},
	"proxy_cookie_path":          {report.Lost, "Cookies of upstreams are passed on as they are.", "Let the application set the path of its cookies."},
	"proxy_cookie_domain":        {report.Lost, "Cookies of upstreams are passed on as they are.", "Let the application set the domain of its cookies."},
	"proxy_cookie_flags":         {report.Lost, "Cookies of upstreams are passed on as they are.", "Let the application set the flags of its cookies."},
	"proxy_bind":                 {report.Lost, "The address that upstreams see is chosen by the kernel.", "Set it with a route of the system."},
	"proxy_method":               {report.Lost, "Upstreams get the client's method.", ""},
	"proxy_set_body":             {report.Lost, "Upstreams get the client's content.", ""},
	"proxy_pass_request_body":    {report.Lost, "Upstreams get the client's content.", ""},
	"proxy_pass_request_headers": {report.Lost, "Upstreams get the client's fields.", "headers req -NAME keeps single ones back."},
	"proxy_limit_rate":           {report.Lost, "The rate of an answer is not bounded.", ""},
	"userid":                     {report.Lost, "Clients get no cookie.", "Let the application set one."},
	"ssl_crl":                    {report.Lost, "Lists of revoked certificates are not read.", "Give clients certificates that end soon, or leave their authority out."},
	"ssl_ocsp":                   {report.Lost, "Certificates of clients are not asked about.", "Give clients certificates that end soon."},
	"ssl_password_file":          {report.Lost, "Keys must not be encrypted.", "openssl pkey -in site.key -out plain.key, readable by AnyGate's user only."},
	"ssl_reject_handshake":       {report.Lost, "Clients that ask for an unknown name are shown the default certificate.", "Set tls.default to none: such clients are refused."},
	"ssl_early_data":             {report.Lost, "Early data (0-RTT) is never accepted.", ""},
	"http3":                      {report.Lost, "HTTP/3 is not spoken; clients use HTTP/2.", ""},
	"quic_retry":                 {report.Lost, "HTTP/3 is not spoken; clients use HTTP/2.", ""},
	"disable_symlinks":           {report.Differs, "Symbolic links are followed inside the directory.", "static: {symlinks: never} follows none."},
	"error_log":                  {report.Differs, "There is one error log for all hosts.", ""},
	"log_format":                 {report.Differs, "No log that is carried over has this form.", ""},
	"resolver":                   {report.Differs, "Names are looked up by the system's name servers.", "upstreams have resolve: {servers: [...]}."},
	"ssl_ciphers":                {report.Differs, "The cipher suites are those of Mozilla's intermediate profile.", "tls: {ciphers: [...]} leaves only some of them."},
	"default_type":               {report.Differs, "Files of unknown kinds are application/octet-stream.", ""},
	"ssl_session_ticket_keys":    {report.Differs, "Ticket keys are made by AnyGate.", "tls: {tickets: {file: ...}} shares them."},
	"internal":                   noLocal, "root": noLocal, "alias": noLocal, "index": noLocal, "try_files": noLocal,
	"set":                   {report.Lost, "Variables have no counterpart, except where their value is known.", ""},
	"client_header_timeout": sameForAll, "client_body_timeout": sameForAll, "send_timeout": sameForAll, "keepalive_timeout": sameForAll,
	"map":     {report.Lost, "The map is used in a way that has no counterpart.", ""},
	"if":      {report.Lost, "The condition has no counterpart: what is in it is left out.", ""},
	"rewrite": {report.Lost, "The rewriting has no counterpart.", ""},
	"return":  {report.Lost, "The answer has no counterpart.", ""},
	"break":   {report.Differs, "Nothing is rewritten behind it.", ""},
}

// supported are directives that are carried over wherever something has a use for them.
var supported = set("add_header", "error_page", "expires", "allow", "deny", "auth_basic", "auth_basic_user_file", "limit_req", "limit_conn", "client_max_body_size",
	"access_log", "gzip", "gzip_static", "autoindex", "autoindex_exact_size", "autoindex_localtime", "autoindex_format", "limit_req_status", "limit_conn_status")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
