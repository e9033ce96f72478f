/* TLS to etcd. tls_set and tls_explain run on the client's thread, tls_check on any; no state.
 *
 * Facts that decide: libcurl keeps parsed CA files for a day and sessions for as long as it likes, so both are switched
 * off; it also trusts the system's CA directory beside the CA file that it is given, so that is switched off where there is
 * one. With TLS 1.3 a server judges the client's certificate after the handshake: its alert arrives as a failed read, or
 * is overtaken by the end of the connection.
 * OpenSSL would ask for a key's passphrase on the terminal: such a key is refused when the config is checked.
 */
#include "core/etcd/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

void tls_set(const struct etcd *etcd, CURL *easy)
{
    bool ok = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075700
    (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* a libcurl without OpenSSL has no such cache */
#endif
    if (etcd->ca_file)
        ok &= curl_easy_setopt(easy, CURLOPT_CAINFO, etcd->ca_file) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (etcd->cert_file)
        ok &= curl_easy_setopt(easy, CURLOPT_SSLCERT, etcd->cert_file) == CURLE_OK;
    if (etcd->key_file)
        ok &= curl_easy_setopt(easy, CURLOPT_SSLKEY, etcd->key_file) == CURLE_OK;
    vx_assert(ok);
}

/* --- failures in words ------------------------------------------------------------------------------------------- */

static const char *file_name(const char *file)
{
    return file ? file : "none is set";
}

/* We refused etcd's certificate. */
static void explain_ours(const struct etcd *etcd, struct http *http)
{
    long verdict = X509_V_OK;
    char *reason = http->reason;
    const size_t size = sizeof http->reason;
    curl_easy_getinfo(http->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (strstr(http->error, "target host name")) { /* judged by libcurl, which leaves no verdict then */
        snprintf(reason, size, "its certificate is for another host: it must name the one of the endpoint");
        return;
    }
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(reason, size, "its certificate has expired: renew etcd's certificate (or this host's clock is wrong)");
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(reason, size, "its certificate is not valid yet: compare this host's clock with the CA's");
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        if (etcd->ca_file)
            snprintf(reason, size, "its certificate is of a CA that is not in ca_file (%.100s)", etcd->ca_file);
        else
            snprintf(reason, size, "its certificate is of a CA that this system does not know: set ca_file");
        return;
    default:
        snprintf(reason, size, "its certificate is refused: %.120s", X509_verify_cert_error_string(verdict));
    }
}

/* A new connection ended after the handshake, before any answer, and the alert that may have said why is lost. */
static void hint(const struct etcd *etcd, struct http *http, CURLcode code)
{
    const char *says = http->error[0] ? http->error : curl_easy_strerror(code);
    if (etcd->cert_file)
        snprintf(http->reason, sizeof http->reason, "%.60s after the TLS handshake: does it accept cert_file (%.70s)?",
                 says, etcd->cert_file);
    else
        snprintf(http->reason, sizeof http->reason,
                 "%.60s after the TLS handshake: does it want a client certificate (cert_file, key_file)?", says);
}

/* etcd refused ours, in an alert of RFC 8446, section 6.2, by OpenSSL's names. */
static bool explain_theirs(const struct etcd *etcd, struct http *http)
{
    const char *said = http->error;
    char *reason = http->reason;
    const size_t size = sizeof http->reason;
    const char *file = file_name(etcd->cert_file);
    if (!strstr(said, "alert"))
        return false;
    if (strstr(said, "certificate required") || (strstr(said, "bad certificate") && !etcd->cert_file))
        snprintf(reason, size, "it wants a client certificate: set cert_file and key_file");
    else if (strstr(said, "certificate expired"))
        snprintf(reason, size, "it refused our client certificate, which has expired: renew cert_file (%.90s)", file);
    else if (strstr(said, "unknown ca"))
        snprintf(reason, size, "it refused our client certificate, whose CA it does not know: cert_file (%.90s)", file);
    else if (strstr(said, "bad certificate"))
        snprintf(reason, size,
                 "it refused our client certificate (expired, or of a CA that it does not know?): cert_file (%.80s)",
                 file);
    else
        snprintf(reason, size, "it refused the TLS connection: %.150s", said);
    return true;
}

bool tls_explain(const struct etcd *etcd, struct http *http, CURLcode code)
{
    char *reason = http->reason;
    const size_t size = sizeof http->reason;
    long connects = 0;
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        explain_ours(etcd, http);
        return true;
    case CURLE_SSL_CERTPROBLEM:
        snprintf(reason, size, "cert_file (%.70s) and key_file (%.70s) cannot be used", file_name(etcd->cert_file),
                 file_name(etcd->key_file));
        return true;
    case CURLE_SSL_CACERT_BADFILE:
        snprintf(reason, size, "ca_file (%.120s) cannot be used", file_name(etcd->ca_file));
        return true;
    case CURLE_SSL_CONNECT_ERROR:
        if (explain_theirs(etcd, http))
            return true;
        /* it answers in another protocol, or closes, with a reset where more was sent than it has read */
        if (strstr(http->error, "wrong version number") || strstr(http->error, "SSL_ERROR_SYSCALL") ||
            strstr(http->error, "reset by peer"))
            snprintf(reason, size, "it ended the TLS handshake: does it speak TLS, or only http://?");
        else
            snprintf(reason, size, "no TLS connection: %.150s", http->error);
        return true;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        if (http->answer.len > 0)
            return false;
        if (explain_theirs(etcd, http))
            return true;
        curl_easy_getinfo(http->easy, CURLINFO_NUM_CONNECTS, &connects);
        if (connects > 0 && strncmp(etcd->endpoints[http->endpoint], "https:", 6) == 0)
            hint(etcd, http, code);
        return false;
    default:
        return false;
    }
}

/* --- checking a config ------------------------------------------------------------------------------------------- */

/* What PEM_read_* asks for a passphrase; `ctx` remembers that it did. */
static int on_passphrase(char *text, int size, int writing, void *ctx)
{
    (void)text, (void)size, (void)writing;
    *(bool *)ctx = true;
    return -1;
}

static FILE *open_file(const char *path, struct vx_err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        (void)!vx_err_set(err, VX_EINVAL, "%s: %s", path, strerror(errno));
    return file;
}

/* The first certificate of a file; NULL and an error. */
static X509 *read_certificate(const char *path, struct vx_err *err)
{
    FILE *file = open_file(path, err);
    if (!file)
        return NULL;
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (!certificate)
        (void)!vx_err_set(err, VX_EINVAL, "%s: this file has no certificate in PEM form", path);
    return certificate;
}

static EVP_PKEY *read_key(const char *path, struct vx_err *err)
{
    bool has_passphrase = false;
    FILE *file = open_file(path, err);
    if (!file)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, on_passphrase, &has_passphrase);
    fclose(file);
    if (!key && has_passphrase)
        (void)!vx_err_set(err, VX_EINVAL, "%s: the key has a passphrase; expected one without", path);
    else if (!key)
        (void)!vx_err_set(err, VX_EINVAL, "%s: this file has no private key in PEM form", path);
    return key;
}

static enum vx_status check_files(const struct etcd_config *config, struct vx_err *err)
{
    /* libcurl looks for the key behind the certificate when it is given no file of its own. */
    const char *key_file = config->key_file ? config->key_file : config->cert_file;
    X509 *ca = NULL, *certificate = NULL;
    EVP_PKEY *key = NULL;
    bool ok = (!config->ca_file || (ca = read_certificate(config->ca_file, err))) &&
              (!config->cert_file ||
               ((certificate = read_certificate(config->cert_file, err)) && (key = read_key(key_file, err))));
    if (ok && key && X509_check_private_key(certificate, key) != 1) {
        ok = false;
        (void)!vx_err_set(err, VX_EINVAL, "%s: this key is not the one of the certificate in %s", key_file,
                          config->cert_file);
    }
    X509_free(ca);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* the queue is the thread's, and others look into it */
    return ok ? VX_OK : VX_EINVAL;
}

enum vx_status tls_check(const struct etcd_config *config, struct vx_err *err)
{
    if (config->key_file && !config->cert_file)
        return vx_err_set(err, VX_EINVAL, "key_file is set without cert_file");
    enum vx_status status = check_files(config, err);
    if (status || (!config->ca_file && !config->cert_file))
        return status;
    for (size_t i = 0; i < config->endpoint_count; i++)
        if (strncmp(config->endpoints[i], "https://", 8) != 0)
            return vx_err_set(err, VX_EINVAL, "etcd endpoint `%s` does not use TLS, but %s is set: expected https://",
                              config->endpoints[i], config->ca_file ? "ca_file" : "cert_file");
    return VX_OK;
}
