// SPDX-License-Identifier: MIT
/*
 * The listener's own certificate, when it serves TLS itself: readable, of one key, in time, and a
 * chain that a stranger can follow to a public root, as Meta must.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>
#include <time.h>

#include "doctor/internal.h"

enum { CHAIN_MAX = 32, DAYS_WARNING = 14 };

// The certificates of a PEM file, in order; NULL when there is none. Never asks for a passphrase.
static STACK_OF(X509) * read_chain(const char *path)
{
    FILE *file = fopen(path, "re");
    STACK_OF(X509) *chain = file ? sk_X509_new_null() : NULL;
    X509 *certificate;

    while (chain && sk_X509_num(chain) < CHAIN_MAX &&
           (certificate = PEM_read_X509(file, NULL, NULL, (void *)"")) != NULL)
        sk_X509_push(chain, certificate);
    if (file)
        fclose(file);
    if (chain && sk_X509_num(chain) == 0) {
        sk_X509_free(chain);
        return NULL;
    }
    return chain;
}

static void free_chain(STACK_OF(X509) * chain)
{
    sk_X509_pop_free(chain, X509_free);
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, (void *)"") : NULL;

    if (file)
        fclose(file);
    return key;
}

// Days until it ends; negative when it has.
static int days_left(const X509 *certificate)
{
    int days = 0, seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)))
        return -1;
    return days == 0 && seconds < 0 ? -1 : days;
}

// Whether the leaf leads to a trusted root through what the file holds; why not otherwise.
static bool is_trusted(struct doctor *d, STACK_OF(X509) * chain, const char **ret_why)
{
    X509_STORE *roots = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    const char *ca_file = d->options->ca_file;
    bool ok = roots && context &&
              (ca_file ? X509_STORE_load_file(roots, ca_file)
                       : X509_STORE_set_default_paths(roots)) == 1 &&
              X509_STORE_CTX_init(context, roots, sk_X509_value(chain, 0), chain) == 1;

    *ret_why = "the trusted certificates cannot be read";
    if (ok) {
        ok = X509_verify_cert(context) == 1;
        *ret_why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(roots);
    return ok;
}

static void judge_chain(struct doctor *d, STACK_OF(X509) * chain, const char *path)
{
    const char *why;
    int days = days_left(sk_X509_value(chain, 0));

    if (days < 0)
        report(d, DOCTOR_FAILED,
               "the certificate in %s has expired" MEND
               "Renew it, then send the listener SIGHUP; and see why its renewal did not run.",
               path);
    else if (!is_trusted(d, chain, &why))
        report(
            d, DOCTOR_FAILED,
            "%s: %s" MEND
            "Meta takes only certificates of a public CA with the whole chain: use the file that "
            "holds the intermediates too (\"fullchain\"), then send the listener SIGHUP.",
            path, why);
    else if (days < DAYS_WARNING)
        report(d, DOCTOR_WARNING,
               "the certificate in %s ends in %d days" MEND
               "Renew it, then send the listener SIGHUP.",
               path, days);
    else
        report(d, DOCTOR_OK, "certificate, key and chain are right; %d days left", days);
}

// A CA file for client certificates that holds nothing would refuse everybody.
static bool check_client_ca(struct doctor *d)
{
    const char *path = d->config->listen_tls_client_ca;
    STACK_OF(X509) *chain = *path ? read_chain(path) : NULL;
    bool ok = !*path || (chain && days_left(sk_X509_value(chain, 0)) >= 0);

    if (!ok)
        report(
            d, DOCTOR_FAILED,
            "listen.tls_client_ca: %s %s" MEND
            "Fetch Meta's CA file anew (docs/meta-setup.md, mutual TLS), or take the setting out.",
            path, chain ? "has expired" : "holds no certificate that can be read");
    free_chain(chain);
    return ok;
}

static void check_pair(struct doctor *d, STACK_OF(X509) * chain, EVP_PKEY *key)
{
    const char *path = d->config->listen_tls_key;
    struct stat st;

    if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1)
        report(d, DOCTOR_FAILED,
               "the key in %s is not the certificate's" MEND
               "Name the key that the certificate in %s was issued for.",
               path, d->config->listen_tls_certificate);
    else if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
        report(d, DOCTOR_WARNING,
               "%s can be read by every user of this machine" MEND "Run `chmod o-rwx %s`.", path,
               path);
    else
        judge_chain(d, chain, d->config->listen_tls_certificate);
}

void check_tls(struct doctor *d)
{
    const char *certificate = d->config->listen_tls_certificate;
    const char *key_path = d->config->listen_tls_key;

    if (!*certificate && !*key_path) {
        report(d, DOCTOR_OK, "none: a proxy in front of the listener serves HTTPS");
        return;
    }
    if (!check_client_ca(d))
        return;
    STACK_OF(X509) *chain = *certificate ? read_chain(certificate) : NULL;
    EVP_PKEY *key = *key_path ? read_key(key_path) : NULL;
    if (!chain || !key)
        report(
            d, DOCTOR_FAILED,
            "%s '%s' holds nothing that can be read" MEND
            "Set listen.tls_certificate and listen.tls_key to PEM files that the listener's user "
            "can read; the key must have no passphrase.",
            chain ? "listen.tls_key" : "listen.tls_certificate", chain ? key_path : certificate);
    else
        check_pair(d, chain, key);
    EVP_PKEY_free(key);
    free_chain(chain);
}
