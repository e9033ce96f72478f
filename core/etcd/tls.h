/* TLS to etcd: which files, what is checked, and what a failure means in words. Internal to core/etcd.
 *
 * The files are read anew for each connection (nothing of them is kept, nor TLS sessions), so a renewed certificate is in
 * use from the next connection on, without a signal. A connection that exists stays until it ends. */
#ifndef VX_ETCD_TLS_H
#define VX_ETCD_TLS_H

#include <curl/curl.h>

#include "core/etcd/client.h"

/* Sets the options of an exchange. The client's thread. */
void tls_set(const struct etcd *etcd, CURL *easy);

/* Does this result of libcurl say that there was no agreement on TLS? Then nothing of the request was done, and http->reason
 * is a sentence that says whose certificate is wrong. Otherwise false; http->reason is a hint then, or left alone. */
bool tls_explain(const struct etcd *etcd, struct http *http, CURLcode code);

/* The files of a config: readable, PEM, key and certificate belong together, no passphrase; and that they can matter. What
 * changes with time (a certificate that has expired) is no mistake of the config. */
VX_MUSTCHECK enum vx_status tls_check(const struct etcd_config *config, struct vx_err *err);

#endif
