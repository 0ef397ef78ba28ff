/** Auth, payments and personal data, told by words: of paths, of changed lines, of what stands around them and of imports. */
import type * as FileView from "./FileView.ts"
import type * as Trait from "./Trait.ts"

type Domain = Extract<Trait.Trait, "Auth" | "Payments" | "PersonalData">

/** Words as they stand in names, split at capitals and signs, in lower case. Two words are told together with a space. */
const words: Readonly<Record<Domain, string>> = {
  Auth: "auth authn authz authenticate authenticated authenticates authenticating authentication authenticator authorize authorized authorizes authorization authorizer authorise authorised authorisation unauthorized unauthorised unauthenticated forbidden login logins logout logon signin signup signout signon password passwords passwd passphrase passcode credential credentials jwt jwts jws jwk jwks oauth oauth2 oidc openid saml sso mfa 2fa totp otp hotp webauthn passkey passkeys fido fido2 permission permissions acl acls rbac abac privilege privileges privileged csrf xsrf cors samesite bearer impersonate impersonation sudo superuser superadmin admin admins administrator bcrypt argon2 scrypt pbkdf2 hmac encrypt encrypted encryption decrypt decryption cipher ciphers crypto cryptography signature signatures verifier ldap kerberos keycloak auth0 okta cognito clerk nextauth passport apikey apikeys apitoken accesstoken refreshtoken idtoken sessionid sessiontoken csp hsts helmet tls ssl certificate certificates keychain keystore allowlist denylist whitelist blacklist grant grants granted revoke revoked cookie cookies setcookie httponly session sessions token isadmin isowner canaccess hasrole hasaccess currentuser iam entitlement entitlements tenancy tenant tenants ratelimit ratelimiter sanitize sanitizer escape lockout lockouts|access token|refresh token|id token|api key|api token|api secret|session id|session token|session secret|session store|session cookie|secret key|private key|public key|signing key|client secret|shared secret|access control|access level|access key|security context|role based|user role|user roles|has role|has access|can access|is owner|current user|log in|log out|sign in|sign out|sign up|two factor|single sign|set cookie|get cookie|http only|rate limit|row level|security policy|trust proxy|verify token|token expired|expires in|max age|reset token|magic link|remember me|max attempts|failed attempts|login attempts|brute force|use guards|roles guard|can activate|timing safe|object level",
  Payments:
    "payment payments pay payer payee payable paid unpaid billing biller invoice invoices invoicing charge charges chargeback stripe paypal braintree adyen klarna razorpay mollie worldpay authorizenet squareup plaid wise paddle chargebee recurly refund refunds refunded payout payouts subscription subscriptions subscriber price prices pricing priced iban bic swift sepa ach wallet wallets cvv cvc pan pci creditcard debitcard cardnumber checkout vat discount discounts coupon coupons voucher ledger ledgers settlement remittance tariff donation donations currency currencies cents subtotal proration dunning|credit card|debit card|card number|bank account|sort code|routing number|sales tax|tax rate|total amount|amount due|gift card|order total|promo code|money transfer",
  PersonalData:
    "email emails phone phones telephone mobile msisdn birthday birthdate birthdates dob ssn sin nino passportnumber firstname lastname middlename fullname surname surnames nickname gdpr ccpa hipaa pii phi personal consent consents anonymize anonymise anonymized pseudonymize geolocation geoip latitude longitude postcode postcodes zipcode zip medical diagnosis patient patients prescription biometric biometrics fingerprint gender ethnicity religion religious sexuality nationality salary salaries payslip customer customers profile profiles contact contacts address addresses avatar kyc applicant applicants beneficiary household demographics ipaddress dataexport erasure|first name|last name|full name|given name|family name|date of|birth date|personal data|personal information|data subject|data retention|right to|ip address|home address|street address|postal code|zip code|social security|national id|tax id|driver license|health record|user data|user info|user profile|user details|private data|sensitive data"
}

/** Words that tell it in the name of a file or a folder, where they are seldom meant otherwise. */
const pathWords: Readonly<Record<Domain, string>> = {
  Auth: "security session sessions token tokens secret secrets identity identities role roles guard guards policies middleware middlewares crypto keys key vault user users account accounts",
  Payments: "pay order orders cart carts money finance financial accounting bank banking tax taxes fee fees plan plans",
  PersonalData: "user users account accounts person people member members employee employees privacy hr"
}

const domains: ReadonlyArray<Domain> = ["Auth", "Payments", "PersonalData"]

const known = (lists: Readonly<Record<Domain, string>>): ReadonlyMap<string, ReadonlyArray<Domain>> => {
  const table = new Map<string, Array<Domain>>()
  for (const domain of domains) {
    const [single = "", ...pairs] = lists[domain].split("|")
    for (const word of [...single.split(" "), ...pairs]) table.set(word, [...(table.get(word) ?? []), domain])
  }
  return table
}

/** Names of what asks who somebody is: `requireUser`, `ensure_member`, `RolesGuard`. */
const askers: ReadonlyArray<string> = ["require", "requires", "ensure", "must", "needs", "roles", "assert"].flatMap(
  (verb) =>
    [
      "user",
      "role",
      "roles",
      "owner",
      "member",
      "staff",
      "moderator",
      "scope",
      "scopes",
      "team",
      "group",
      "account",
      "guard"
    ].map((whom) => `${verb} ${whom}`)
)

const inText = known({ ...words, Auth: [words.Auth, ...askers].join("|") })
const inPath = known(pathWords)

/** A word alone: two capitals in a row stay together until the last of them begins a word (`OAuthToken`, `JWTBearer`). */
const wordPattern = /[A-Z]{1,40}(?![a-z])|[A-Z]?[a-z]{1,40}\d?|\d[a-z]{1,10}/g

const domainsOf = (text: string, tables: ReadonlyArray<ReadonlyMap<string, ReadonlyArray<Domain>>>): Set<Domain> => {
  const found = new Set<Domain>()
  let previous = ""
  for (const [match] of text.matchAll(wordPattern)) {
    const word = match.toLowerCase()
    for (const table of tables) {
      for (const each of [word, `${previous} ${word}`, previous + word]) {
        for (const domain of table.get(each) ?? []) found.add(domain)
      }
    }
    previous = word
    if (found.size === domains.length) break
  }
  return found
}

/** Reads them. Of documents and of tests only what is moved out of or into other kinds of file, or a test that asks for less. */
export const read = (view: FileView.FileView, isWeakened: boolean): ReadonlyArray<Trait.Found> => {
  const { file, hunks, imports, kind } = view
  if (kind === "prose" || (kind === "test" && !isWeakened)) return []
  const found = new Map<Domain, number | undefined>()
  const add = (domain: Domain, line?: number) => found.set(domain, found.get(domain) ?? line)
  for (const hunk of hunks) {
    hunk.added.text.split("\n").forEach((line, index) => {
      if (found.size < domains.length)
        for (const domain of domainsOf(line, [inText])) add(domain, hunk.added.at + index)
    })
    for (const domain of domainsOf(`${hunk.removed.text}\n${hunk.around}`, [inText])) add(domain)
  }
  const own = file.previousPath === undefined ? file.path : `${file.path}\n${file.previousPath}`
  for (const domain of [...domainsOf(own, [inText, inPath]), ...domainsOf(imports, [inText])]) add(domain)
  return domains.flatMap((trait) => {
    if (!found.has(trait)) return []
    const line = found.get(trait)
    return [line === undefined ? { trait } : { trait, line }]
  })
}
