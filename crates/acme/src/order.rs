//! One order, from the account to the certificate (RFC 8555 section 7).

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use instant_acme::{
    Account, AccountBuilder, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};

use crate::keeper::Options;
use crate::store::{Shown, Store, directory};
use crate::{Error, challenge, probe};

/// How long the authority may take to look at a proof, and to sign.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_secs(120));

/// Gets a certificate for the domains of the options and stores it.
pub(crate) async fn fulfil(options: &Options, store: &Store) -> Result<(), Error> {
    let account = account(options, store).await?;
    let identifiers: Vec<_> = options.domains.iter().cloned().map(Identifier::Dns).collect();
    let ordered = account.new_order(&NewOrder::new(&identifiers)).await;
    let mut order = ordered.map_err(|source| Error::Authority { action: "order a certificate", source })?;
    // They are shown until the authority has seen them.
    let shown = prove(&mut order, store, options.address).await?;
    let status = order.poll_ready(&PATIENCE).await;
    let status = status.map_err(|source| Error::Authority { action: "prove the domains", source })?;
    if status != OrderStatus::Ready && status != OrderStatus::Valid {
        return Err(refused(&mut order, options).await);
    }
    drop(shown);
    let key = order.finalize().await;
    let key = key.map_err(|source| Error::Authority { action: "have the certificate signed", source })?;
    let chain = order.poll_certificate(&PATIENCE).await;
    let chain = chain.map_err(|source| Error::Authority { action: "fetch the certificate", source })?;
    store.write(&store.certificate(), &(key + &chain))?;
    // Last: if that fails, a certificate is ordered once too often. The other way round it would not be ordered at all.
    store.set_authority(&options.directory)
}

/// The account at this authority, or a new one: another authority does not know the one that there is.
async fn account(options: &Options, store: &Store) -> Result<Account, Error> {
    let failed = |source| Error::Authority { action: "reach the account at the authority", source };
    let path = store.account();
    let Some(text) = store.read(&path)? else { return open_account(options, store).await };
    if let Some(other) = directory(&text).filter(|url| *url != options.directory) {
        tracing::info!("The account is at {other}: opening another one at {}", options.directory);
        // Who gave the certificate may be known by the account alone, which is about to be replaced.
        store.authority()?.map_or(Ok(()), |url| store.set_authority(&url))?;
        return open_account(options, store).await;
    }
    let foreign = |error: serde_json::Error| Error::Foreign { path: path.clone(), reason: error.to_string() };
    let credentials = serde_json::from_str(&text).map_err(foreign)?;
    builder(options.root.as_deref())?.from_credentials(credentials).await.map_err(failed)
}

async fn open_account(options: &Options, store: &Store) -> Result<Account, Error> {
    let path = store.account();
    let contact = options.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<_> = contact.as_deref().into_iter().collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let created = builder(options.root.as_deref())?.create(&new, options.directory.clone(), None).await;
    let (account, credentials) =
        created.map_err(|source| Error::Authority { action: "open an account at the authority", source })?;
    let text = serde_json::to_string(&credentials)
        .map_err(|error| Error::Foreign { path: path.clone(), reason: error.to_string() })?;
    store.write(&path, &text)?;
    Ok(account)
}

fn builder(root: Option<&Path>) -> Result<AccountBuilder, Error> {
    let built = root.map_or_else(Account::builder, Account::builder_with_root);
    built.map_err(|source| Error::Authority { action: "speak to the authority", source })
}

/// Shows a proof for each domain that has not been proved lately, and asks the authority to look.
async fn prove(order: &mut Order, store: &Store, address: SocketAddr) -> Result<Vec<Shown>, Error> {
    let failed = |source| Error::Authority { action: "learn how to prove the domains", source };
    let mut shown = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(failed)?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let Some(mut wanted) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(Error::NoChallenge(domain));
        };
        let proof = challenge::certificate(&domain, wanted.key_authorization().digest().as_ref())?;
        shown.push(store.show(&domain, &proof)?);
        probe::wait(address, &domain, &proof).await?;
        let ready = wanted.set_ready().await;
        ready.map_err(|source| Error::Authority { action: "show the proof", source })?;
    }
    Ok(shown)
}

/// What the authority has to say against the proofs.
async fn refused(order: &mut Order, options: &Options) -> Error {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let problems = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{}: {problem}", authorization.identifier())));
    }
    let reason = if reasons.is_empty() { "it does not say why".to_owned() } else { reasons.join("; ") };
    Error::Refused { domain: options.domains.join(", "), reason }
}
