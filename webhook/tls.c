// SPDX-License-Identifier: MIT
// HTTPS in the listener itself (see tls.h).

#include "webhook/tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct tls {
    SSL_CTX *context;
    char *client_name; // NULL = any
    bool asks;         // for a client's certificate
};

static bool fail(struct err *err, const char *what, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    err_set(err, ERR_CONFIG, "%s '%s': %s", what, path, reason ? reason : "cannot be used");
    ERR_clear_error();
    return false;
}

// Nobody is there to type a password.
static int no_password(char *buffer, int size, int writing, void *arg)
{
    return -1;
}

static bool load_certificate(SSL_CTX *context, const struct tls_config *config, struct err *err)
{
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (SSL_CTX_use_certificate_chain_file(context, config->certificate) != 1)
        return fail(err, "listen.tls_certificate", config->certificate);
    // It also compares the key with the certificate.
    if (SSL_CTX_use_PrivateKey_file(context, config->key, SSL_FILETYPE_PEM) != 1)
        return fail(err, "listen.tls_key", config->key);
    return true;
}

static bool load_client_ca(SSL_CTX *context, const char *path, struct err *err)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (!names || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(err, "listen.tls_client_ca", path);
    }
    SSL_CTX_set_client_CA_list(context, names); // takes it over
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return true;
}

static SSL_CTX *make_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        abort(); // out of memory
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Each session shows its certificates anew; connections are kept alive, so it costs little.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

struct tls *tls_new(const struct tls_config *config, struct err *err)
{
    SSL_CTX *context = make_context();
    bool asks = config->client_ca && *config->client_ca;
    ERR_clear_error();
    if (!load_certificate(context, config, err) ||
        (asks && !load_client_ca(context, config->client_ca, err))) {
        SSL_CTX_free(context);
        return NULL;
    }
    struct tls *tls = x_alloc(sizeof *tls);
    bool named = config->client_name && *config->client_name;
    *tls = (struct tls){
        .context = context, .client_name = named ? x_dup(config->client_name) : NULL, .asks = asks};
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls->client_name);
    free(tls);
}

struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base)
{
    SSL *ssl = SSL_new(tls->context);
    if (!ssl)
        return NULL;
    // Frees the SSL object, too.
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        SSL_free(ssl);
        return NULL;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

void tls_close(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    if (ssl && SSL_is_init_finished(ssl))
        SSL_shutdown(ssl);
    ERR_clear_error();
}

static bool is_named(X509 *certificate, const char *wanted)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return false;
    unsigned char *name = NULL;
    int len =
        ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    bool same = len >= 0 && (size_t)len == strlen(wanted) && memcmp(name, wanted, (size_t)len) == 0;
    OPENSSL_free(name);
    return same;
}

bool tls_client_is_known(const struct tls *tls, struct bufferevent *bev)
{
    if (!tls || !tls->asks)
        return true;
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    X509 *certificate = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
    return certificate && SSL_get_verify_result(ssl) == X509_V_OK &&
           (!tls->client_name || is_named(certificate, tls->client_name));
}
